// A map of shapes on a canvas: no background, to be dragged and zoomed. Mercator projection; the world is 1 wide.

const DOT_RADIUS = 4
const NEAR_PIXELS = 10

export class ShapeMap {
  constructor (canvas, onPick) {
    this.canvas = canvas
    this.onPick = onPick
    this.shapes = []
    this.picked = null
    this.centre = [0.5, 0.5]
    this.scale = 256 // pixels for the world
    new ResizeObserver(() => this.draw()).observe(canvas)
    canvas.addEventListener('wheel', event => this.zoom(event), { passive: false })
    canvas.addEventListener('pointerdown', event => this.drag(event))
  }

  show (shapes) {
    this.shapes = shapes.map(shape => ({ ...shape, track: shape.points.map(project) }))
    this.picked = null
    const all = this.shapes.flatMap(shape => shape.track)
    if (all.length) this.fit(all)
    this.draw()
  }

  fit (track) {
    const box = track.reduce(([l, t, r, b], [x, y]) => [Math.min(l, x), Math.min(t, y), Math.max(r, x), Math.max(b, y)],
      [1, 1, 0, 0])
    this.centre = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
    const { clientWidth, clientHeight } = this.canvas
    const width = Math.max(box[2] - box[0], 1e-7)
    const height = Math.max(box[3] - box[1], 1e-7)
    this.scale = 0.9 * Math.min(clientWidth / width, clientHeight / height)
  }

  pixel ([x, y]) {
    const { clientWidth, clientHeight } = this.canvas
    return [(x - this.centre[0]) * this.scale + clientWidth / 2, (y - this.centre[1]) * this.scale + clientHeight / 2]
  }

  draw () {
    const { clientWidth, clientHeight } = this.canvas
    const ratio = window.devicePixelRatio || 1
    this.canvas.width = clientWidth * ratio
    this.canvas.height = clientHeight * ratio
    const pen = this.canvas.getContext('2d')
    pen.scale(ratio, ratio)
    for (const shape of this.shapes) this.drawShape(pen, shape)
    if (this.picked) this.drawShape(pen, this.picked)
  }

  drawShape (pen, shape) {
    const colour = shape === this.picked ? '#b3261e' : '#1a5f8a'
    pen.strokeStyle = colour
    pen.fillStyle = colour
    pen.lineWidth = shape === this.picked ? 4 : 2
    pen.beginPath()
    if (shape.track.length === 1) {
      pen.arc(...this.pixel(shape.track[0]), DOT_RADIUS, 0, 2 * Math.PI)
      pen.fill()
      return
    }
    for (const point of shape.track) pen.lineTo(...this.pixel(point))
    pen.globalAlpha = 0.15
    if (shape.closed) pen.fill()
    pen.globalAlpha = 1
    pen.stroke()
  }

  zoom (event) {
    event.preventDefault()
    const { clientWidth, clientHeight } = this.canvas
    const away = [event.offsetX - clientWidth / 2, event.offsetY - clientHeight / 2]
    const factor = Math.exp(-event.deltaY / 400)
    this.centre = this.centre.map((value, axis) => value + away[axis] / this.scale * (1 - 1 / factor))
    this.scale *= factor
    this.draw()
  }

  drag (event) {
    const start = [event.clientX, event.clientY]
    const centre = this.centre
    let moved = false
    const move = ({ clientX, clientY }) => {
      const way = [clientX - start[0], clientY - start[1]]
      moved ||= Math.hypot(...way) > 3
      this.centre = centre.map((value, axis) => value - way[axis] / this.scale)
      this.draw()
    }
    const end = () => {
      this.canvas.removeEventListener('pointermove', move)
      if (!moved) this.pick([event.offsetX, event.offsetY])
    }
    this.canvas.setPointerCapture(event.pointerId)
    this.canvas.addEventListener('pointermove', move)
    this.canvas.addEventListener('pointerup', end, { once: true })
  }

  pick (place) {
    let best = NEAR_PIXELS
    this.picked = null
    for (const shape of this.shapes) {
      const distance = distanceTo(shape.track.map(point => this.pixel(point)), place)
      if (distance < best || (distance === best && shape.track.length === 1)) [best, this.picked] = [distance, shape]
    }
    this.draw()
    this.onPick(this.picked)
  }
}

function project ([lat, lon]) {
  const sine = Math.sin(Math.max(-85.05, Math.min(85.05, lat)) * Math.PI / 180)
  return [lon / 360 + 0.5, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)]
}

function distanceTo (track, [x, y]) {
  let nearest = Math.hypot(track[0][0] - x, track[0][1] - y)
  for (let i = 1; i < track.length; i++) {
    const [[ax, ay], [bx, by]] = [track[i - 1], track[i]]
    const [dx, dy] = [bx - ax, by - ay]
    const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)))
    nearest = Math.min(nearest, Math.hypot(ax + along * dx - x, ay + along * dy - y))
  }
  return nearest
}
