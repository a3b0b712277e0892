# Works behind rrbroker or msgqueue.
require_relative 'common'
worker = socket(ZMQ::REP, connect: 'tcp://localhost:5560')
puts 'ready'
loop do
  puts "asked: #{hear(worker)}"
  check worker.send_string('World')
end
