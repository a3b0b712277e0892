# frozen_string_literal: true

# The Ruby peer of zmqlite's interop tests, on ffi-rzmq. protocol.py says what the jobs mean.
# usage: ruby peer.rb TIMEOUT_MS        jobs on stdin, one answer a line on stdout

require "ffi-rzmq"
require "digest"

$stdin.binmode
$stdout.binmode
$stdout.sync = true

PATIENCE = Integer(ARGV.fetch(0))

# Every call answers -1 for failure; here that ends the job.
def check(rc, what)
  raise "#{what}: #{ZMQ::Util.error_string}" unless ZMQ::Util.resultcode_ok?(rc)
end

def part(spec, number)
  case spec[0]
  when "-" then "".b
  when "n" then number.to_s.b
  when "x" then [spec[1..]].pack("H*")
  when "p"
    size, seed = spec[1..].split(".").map(&:to_i)
    Array.new(size) { |i| (seed + i * 7 + (i >> 8) * 13) & 255 }.pack("C*")
  else raise "not a part: #{spec}"
  end
end

def message(spec, number)
  spec.split(",").map { |one| part(one, number) }
end

# What came or went: messages, parts, bytes and their digest.
class Tally
  def initialize
    @messages = @parts = @bytes = 0
    @digest = Digest::SHA256.new
  end

  def add(parts)
    parts.each { |body| @digest << [body.bytesize].pack("N") << body }
    @digest << "\xFF\xFF\xFF\xFF".b
    @messages += 1
    @parts += parts.size
    @bytes += parts.sum(&:bytesize)
  end

  def to_s
    "#{@messages} #{@parts} #{@bytes} #{@digest.hexdigest}"
  end
end

class Jobs
  CURVE = { "public" => ZMQ::CURVE_PUBLICKEY, "secret" => ZMQ::CURVE_SECRETKEY,
            "serverkey" => ZMQ::CURVE_SERVERKEY }.freeze

  def initialize
    @context = ZMQ::Context.new
    @sockets = {}
  end

  def open(name, type, *options)
    socket = @sockets[name] = @context.socket(ZMQ.const_get(type)) || raise("no #{type} socket")
    set(socket, ZMQ::LINGER, 0)
    set(socket, ZMQ::RCVTIMEO, PATIENCE)
    set(socket, ZMQ::SNDTIMEO, PATIENCE)
    options.each { |option| configure(socket, *option.split("=", 2)) }
    ""
  end

  def bind(name, endpoint)
    check(@sockets[name].bind(endpoint), "bind #{endpoint}")
    check(@sockets[name].getsockopt(ZMQ::LAST_ENDPOINT, found = []), "LAST_ENDPOINT")
    found[0].delete("\0")
  end

  def connect(name, endpoint)
    check(@sockets[name].connect(endpoint), "connect #{endpoint}")
    ""
  end

  def send(name, repeat, *specs)
    messages(repeat, specs) { |parts| put(name, parts) }
  end

  def recv(name, count)
    messages(count, [nil]) { take(name) }
  end

  def echo(name, count)
    messages(count, [nil]) { take(name).tap { |parts| put(name, parts) } }
  end

  def ask(name, repeat, *specs)
    messages(repeat, specs) { |parts| put(name, parts) && take(name) }
  end

  def until(name, spec)
    wanted = part(spec, 0)
    (0..).find { take(name).first == wanted }
  end

  def close
    @sockets.each_value(&:close)
    @sockets.clear
    ""
  end

  private

  def messages(repeat, specs)
    tally = Tally.new
    number = -1
    repeat.to_i.times do
      specs.each { |spec| tally.add(yield(spec && message(spec, number += 1))) }
    end
    tally
  end

  def put(name, parts)
    check(@sockets[name].send_strings(parts), "send")
    parts
  end

  def take(name)
    check(@sockets[name].recv_strings(parts = []), "recv")
    parts
  end

  def set(socket, option, value)
    check(socket.setsockopt(option, value), "setsockopt #{option}")
  end

  def configure(socket, key, value)
    case key
    when "identity" then set(socket, ZMQ::IDENTITY, [value].pack("H*"))
    when "subscribe" then set(socket, ZMQ::SUBSCRIBE, [value].pack("H*"))
    when "server" then set(socket, ZMQ::CURVE_SERVER, 1)
    else set(socket, CURVE.fetch(key), value)
    end
  end
end

jobs = Jobs.new
puts "READY ffi-rzmq #{ZMQ.version}, libzmq #{LibZMQ.version.values.join('.')}, " \
     "Ruby #{RUBY_VERSION}"
$stdin.each_line do |line|
  job, *words = line.split
  puts "OK #{jobs.public_send(job, *words)}"
rescue StandardError => e
  puts "ERR #{e.class}: #{e.message.inspect}"
  warn e.full_message(highlight: false)
end
