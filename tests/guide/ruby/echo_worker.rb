# A worker of Majordomo for the service echo. It shouts, to be told from mdworker.
require_relative 'common'
broker = socket(ZMQ::DEALER, connect: 'tcp://localhost:5555')
check broker.send_strings(['', 'MDPW01', "\x01", 'echo'])
loop do
  _empty, _header, command, client, _delimiter, *body = hear_all(broker)
  case command
  when "\x02" then check broker.send_strings(['', 'MDPW01', "\x03", client, '', *body.map(&:upcase)])
  when "\x04" then check broker.send_strings(['', 'MDPW01', "\x04"])
  end
end
