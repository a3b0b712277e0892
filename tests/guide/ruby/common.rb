# What our Ruby peers share: a context, output at once, and an end with a word for each failure.
require 'ffi-rzmq'

$stdout.sync = true
CONTEXT = ZMQ::Context.new(1)

def check(code)
  abort "libzmq refused: #{ZMQ::Util.error_string}" unless ZMQ::Util.resultcode_ok?(code)
end

def socket(type, bind: nil, connect: nil)
  made = CONTEXT.socket(type)
  yield made if block_given?
  check made.bind(bind) if bind
  check made.connect(connect) if connect
  made
end

def hear(socket)
  text = ''
  check socket.recv_string(text)
  text
end

def hear_all(socket)
  parts = []
  check socket.recv_strings(parts)
  parts
end
