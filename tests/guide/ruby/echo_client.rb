# A client of Majordomo. A REQ adds the empty part by itself.
require_relative 'common'
broker = socket(ZMQ::REQ, connect: 'tcp://localhost:5555')
check broker.send_strings(['MDPC01', 'echo', 'Hello', 'from Ruby'])
puts "answer: #{hear_all(broker).inspect}"
