// The Java peer of zmqlite's interop tests, on JeroMQ. protocol.py says what the jobs mean.
// usage: java -cp jeromq.jar Peer.java TIMEOUT_MS     jobs on stdin, one answer a line on stdout

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.zeromq.ZMQ;

public class Peer {
    private static final Map<String, Integer> TYPES = Map.of(
        "PUB", ZMQ.PUB, "SUB", ZMQ.SUB, "REQ", ZMQ.REQ, "REP", ZMQ.REP,
        "PUSH", ZMQ.PUSH, "PULL", ZMQ.PULL, "ROUTER", ZMQ.ROUTER, "DEALER", ZMQ.DEALER);

    private final ZMQ.Context context = ZMQ.context(1);
    private final Map<String, ZMQ.Socket> sockets = new HashMap<>();
    private final int patience;

    private Peer(int patience) {
        this.patience = patience;
    }

    public static void main(String[] args) throws Exception {
        Peer peer = new Peer(Integer.parseInt(args[0]));
        System.out.println("READY JeroMQ, like libzmq " + ZMQ.getVersionString()
            + ", Java " + System.getProperty("java.version"));
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.split(" ");
            try {
                System.out.println("OK " + peer.run(words));
            } catch (Exception error) {
                System.out.println("ERR " + error.toString().replace('\n', ' '));
                error.printStackTrace();
            }
        }
        Runtime.getRuntime().halt(0);
    }

    private Object run(String[] words) throws Exception {
        String name = words.length > 1 ? words[1] : "";
        ZMQ.Socket socket = sockets.get(name);
        switch (words[0]) {
            case "open":
                sockets.put(name, open(words));
                return "";
            case "bind":
                socket.bind(words[2]);
                return socket.base().getsockoptx(zmq.ZMQ.ZMQ_LAST_ENDPOINT);
            case "connect":
                socket.connect(words[2]);
                return "";
            case "send":
                return each(words, parts -> put(socket, parts));
            case "recv":
                return each(words, parts -> take(socket));
            case "echo":
                return each(words, parts -> put(socket, take(socket)));
            case "ask":
                return each(words, parts -> {
                    put(socket, parts);
                    return take(socket);
                });
            case "until":
                byte[] wanted = part(words[2], 0);
                int passed = 0;
                while (!Arrays.equals(take(socket).get(0), wanted)) {
                    passed++;
                }
                return passed;
            case "close":
                sockets.values().forEach(ZMQ.Socket::close);
                sockets.clear();
                return "";
            default:
                throw new IllegalArgumentException("not a job: " + words[0]);
        }
    }

    private ZMQ.Socket open(String[] words) {
        ZMQ.Socket socket = context.socket(TYPES.get(words[2]));
        socket.setLinger(0);
        socket.setReceiveTimeOut(patience);
        socket.setSendTimeOut(patience);
        for (int i = 3; i < words.length; i++) {
            String[] option = words[i].split("=", 2);
            switch (option[0]) {
                case "identity":
                    socket.setIdentity(unhex(option[1]));
                    break;
                case "subscribe":
                    socket.subscribe(unhex(option[1]));
                    break;
                default:
                    throw new IllegalArgumentException("JeroMQ 0.3 has no " + option[0]);
            }
        }
        return socket;
    }

    private interface Step {
        List<byte[]> apply(List<byte[]> parts) throws Exception;
    }

    // Do a step for each message; without messages, as often as the repeat count says.
    private static String each(String[] words, Step step) throws Exception {
        int repeat = Integer.parseInt(words[2]);
        List<String> specs = Arrays.asList(words).subList(3, words.length);
        if (specs.isEmpty()) {
            specs = Collections.singletonList(null);
        }
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        int number = 0;
        long count = 0;
        long bytes = 0;
        for (int round = 0; round < repeat; round++) {
            for (String spec : specs) {
                List<byte[]> parts = step.apply(message(spec, number++));
                for (byte[] body : parts) {
                    digest.update(ByteBuffer.allocate(4).putInt(body.length).array());
                    digest.update(body);
                    bytes += body.length;
                }
                digest.update(new byte[] {-1, -1, -1, -1});
                count += parts.size();
            }
        }
        return number + " " + count + " " + bytes + " " + hex(digest.digest());
    }

    private static List<byte[]> message(String spec, int number) {
        List<byte[]> parts = new ArrayList<>();
        if (spec != null) {
            for (String one : spec.split(",")) {
                parts.add(part(one, number));
            }
        }
        return parts;
    }

    private static byte[] part(String spec, int number) {
        String rest = spec.substring(1);
        switch (spec.charAt(0)) {
            case '-':
                return new byte[0];
            case 'n':
                return Integer.toString(number).getBytes();
            case 'x':
                return unhex(rest);
            case 'p':
                int dot = rest.indexOf('.');
                byte[] body = new byte[Integer.parseInt(rest.substring(0, dot))];
                int seed = Integer.parseInt(rest.substring(dot + 1));
                for (int i = 0; i < body.length; i++) {
                    body[i] = (byte) (seed + i * 7 + (i >> 8) * 13);
                }
                return body;
            default:
                throw new IllegalArgumentException("not a part: " + spec);
        }
    }

    private static List<byte[]> put(ZMQ.Socket socket, List<byte[]> parts) {
        for (int i = 0; i < parts.size(); i++) {
            if (!socket.send(parts.get(i), i + 1 < parts.size() ? ZMQ.SNDMORE : 0)) {
                throw new IllegalStateException("send: timed out");
            }
        }
        return parts;
    }

    private static List<byte[]> take(ZMQ.Socket socket) {
        List<byte[]> parts = new ArrayList<>();
        do {
            byte[] body = socket.recv();
            if (body == null) {
                throw new IllegalStateException("recv: timed out");
            }
            parts.add(body);
        } while (socket.hasReceiveMore());
        return parts;
    }

    private static byte[] unhex(String text) {
        byte[] found = new byte[text.length() / 2];
        for (int i = 0; i < found.length; i++) {
            found[i] = (byte) Integer.parseInt(text.substring(2 * i, 2 * i + 2), 16);
        }
        return found;
    }

    private static String hex(byte[] raw) {
        StringBuilder text = new StringBuilder();
        for (byte one : raw) {
            text.append(String.format("%02x", one));
        }
        return text.toString();
    }
}
