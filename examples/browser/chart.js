// Subscribes to the readings of chart.py and draws the last half minute of them.
// The address of the PUB stands behind the # of the page's own.

"use strict"

const PLACE = decodeURIComponent(location.hash.slice(1)) || `ws://${location.hostname}:5556/`
const COLOURS = { oslo: "#2f86d6", lima: "#d9632f" } // on white and on black
const SECONDS = 30
const [LOW, HIGH] = [14, 28]

const canvas = document.querySelector("canvas")
const pen = canvas.getContext("2d")
const state = document.querySelector("#state")
const series = Object.fromEntries(Object.keys(COLOURS).map((topic) => [topic, []]))
let count = 0

const socket = new jszmq.Sub()
socket.connect(PLACE)
for (const topic of Object.keys(COLOURS)) socket.subscribe(topic)
socket.on("message", (topic, body) => {
  const [time, value] = body.toString().split(" ").map(Number)
  const points = series[topic.toString()]
  points.push([time, value])
  while (points[0][0] < time - SECONDS) points.shift()
  count += 1
})

function draw() {
  const { width, height } = canvas
  const last = Math.max(...Object.values(series).map((points) => points.at(-1)?.[0] || 0))
  const x = (time) => width * (1 - (last - time) / SECONDS)
  const y = (value) => height * (1 - (value - LOW) / (HIGH - LOW))

  pen.clearRect(0, 0, width, height)
  pen.font = "24px system-ui, sans-serif"
  pen.lineWidth = 1
  pen.strokeStyle = "#8884"
  pen.fillStyle = "#888"
  for (let value = LOW + 2; value < HIGH; value += 2) {
    pen.beginPath()
    pen.moveTo(0, y(value))
    pen.lineTo(width, y(value))
    pen.stroke()
    pen.fillText(`${value} °C`, 8, y(value) - 6)
  }
  pen.lineWidth = 4
  for (const [topic, points] of Object.entries(series)) {
    if (!points.length) continue
    pen.strokeStyle = pen.fillStyle = COLOURS[topic]
    pen.beginPath()
    for (const [time, value] of points) pen.lineTo(x(time), y(value))
    pen.stroke()
    pen.fillText(topic, width - 70, y(points.at(-1)[1]) - 14)
  }
  if (count) state.textContent = `${count} readings from ${PLACE}`
  requestAnimationFrame(draw)
}

draw()
