# Asks through rrbroker or msgqueue three times.
require_relative 'common'
client = socket(ZMQ::REQ, connect: 'tcp://localhost:5559')
3.times do |number|
  check client.send_string("Ruby #{number}")
  puts "answer: #{hear(client)}"
end
