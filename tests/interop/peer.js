// The Node peer of zmqlite's interop tests, on the npm package zeromq. protocol.py says what the
// jobs mean.
// usage: NODE_PATH=... node peer.js TIMEOUT_MS     jobs on stdin, one answer a line on stdout

"use strict"

const { createHash } = require("crypto")
const readline = require("readline")
const zmq = require("zeromq")
const { version: binding } = require("zeromq/package.json")

const PATIENCE = Number(process.argv[2])
const TYPES = {
  PUB: zmq.Publisher, SUB: zmq.Subscriber, REQ: zmq.Request, REP: zmq.Reply,
  PUSH: zmq.Push, PULL: zmq.Pull, ROUTER: zmq.Router, DEALER: zmq.Dealer,
}
const KEYS = { public: "curvePublicKey", secret: "curveSecretKey", serverkey: "curveServerKey" }
const sockets = new Map()

function part(spec, number) {
  const rest = spec.slice(1)
  switch (spec[0]) {
    case "-": return Buffer.alloc(0)
    case "n": return Buffer.from(String(number))
    case "x": return Buffer.from(rest, "hex")
    case "p": {
      const [size, seed] = rest.split(".").map(Number)
      const body = Buffer.alloc(size)
      for (let i = 0; i < size; i++) body[i] = (seed + i * 7 + (i >> 8) * 13) & 255
      return body
    }
    default: throw new Error(`not a part: ${spec}`)
  }
}

// What came or went: messages, parts, bytes and their digest.
class Tally {
  messages = 0
  parts = 0
  bytes = 0
  digest = createHash("sha256")

  add(parts) {
    const size = Buffer.alloc(4)
    for (const body of parts) {
      size.writeUInt32BE(body.length)
      this.digest.update(size).update(body)
      this.bytes += body.length
    }
    this.digest.update(Buffer.alloc(4, 255))
    this.messages += 1
    this.parts += parts.length
  }

  toString() {
    return `${this.messages} ${this.parts} ${this.bytes} ${this.digest.digest("hex")}`
  }
}

async function each(repeat, specs, step) {
  const tally = new Tally()
  let number = 0
  for (let round = 0; round < Number(repeat); round++) {
    for (const spec of specs) {
      const parts = spec && spec.split(",").map((one) => part(one, number))
      tally.add(await step(parts))
      number += 1
    }
  }
  return tally
}

const put = async (name, parts) => (await sockets.get(name).send(parts), parts)
const take = (name) => sockets.get(name).receive()

const JOBS = {
  open(name, type, ...settings) {
    const options = { linger: 0 }
    if (type !== "PUB" && type !== "PUSH") options.receiveTimeout = PATIENCE
    if (type !== "SUB" && type !== "PULL") options.sendTimeout = PATIENCE
    const topics = []
    for (const setting of settings) {
      const at = setting.indexOf("=")
      const [key, value] = [setting.slice(0, at), setting.slice(at + 1)]
      if (key === "subscribe") topics.push(Buffer.from(value, "hex"))
      else if (key === "identity") options.routingId = Buffer.from(value, "hex").toString("utf8")
      else if (key === "server") options.curveServer = true
      else options[KEYS[key]] = value
    }
    const socket = new TYPES[type](options)
    sockets.set(name, socket)
    if (topics.length) socket.subscribe(...topics)
    return ""
  },
  async bind(name, endpoint) {
    await sockets.get(name).bind(endpoint)
    return sockets.get(name).lastEndpoint
  },
  connect(name, endpoint) {
    sockets.get(name).connect(endpoint)
    return ""
  },
  send: (name, repeat, ...specs) => each(repeat, specs, (parts) => put(name, parts)),
  recv: (name, count) => each(count, [null], () => take(name)),
  echo: (name, count) => each(count, [null], async () => put(name, await take(name))),
  ask: (name, repeat, ...specs) => each(repeat, specs, async (parts) => {
    await put(name, parts)
    return take(name)
  }),
  async until(name, spec) {
    const wanted = part(spec, 0)
    for (let passed = 0; ; passed++) {
      if (wanted.equals((await take(name))[0])) return passed
    }
  },
  close() {
    for (const socket of sockets.values()) socket.close()
    sockets.clear()
    return ""
  },
}

async function main() {
  console.log(`READY zeromq ${binding}, libzmq ${zmq.version}, Node ${process.versions.node}`)
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [job, ...words] = line.split(" ")
    try {
      console.log(`OK ${await JOBS[job](...words)}`)
    } catch (error) {
      console.log(`ERR ${String(error).replaceAll("\n", " ")}`)
      console.error(error)
    }
  }
  JOBS.close()
}

main()
