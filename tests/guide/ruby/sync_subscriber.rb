# Counts what syncpub says, having reported to it first.
require_relative 'common'
updates = socket(ZMQ::SUB, connect: 'tcp://localhost:5561') { |s| s.setsockopt(ZMQ::SUBSCRIBE, '') }
report = socket(ZMQ::REQ, connect: 'tcp://localhost:5562')
check report.send_string('')
hear(report)
count = 0
count += 1 until hear(updates) == 'END'
puts "counted #{count}"
