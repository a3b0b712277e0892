# Asks hwserver or mtserver three times.
require_relative 'common'
client = socket(ZMQ::REQ, connect: 'tcp://localhost:5555')
3.times do
  check client.send_string('Hello')
  puts "answer: #{hear(client)}"
end
