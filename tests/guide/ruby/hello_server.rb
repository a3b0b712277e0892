# Answers at 5555 what hwclient asks.
require_relative 'common'
server = socket(ZMQ::REP, bind: 'tcp://*:5555')
loop do
  puts "asked: #{hear(server)}"
  check server.send_string('world')
end
