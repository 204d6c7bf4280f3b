// The map of the page, drawn by Leaflet. A build without Leaflet has no ./leaflet.js; then the page takes map.mjs.

import './leaflet.js'

const { L } = window
const PLAIN = { color: '#1a5f8a', weight: 2, fillOpacity: 0.15 }
const PICKED = { color: '#b3261e', weight: 4 }
const DOT = { radius: 4, fillOpacity: 1 }
const NEAREST = { maxZoom: 18, animate: false }

export class ShapeMap {
  constructor (canvas, onPick) {
    const place = document.createElement('div')
    place.id = canvas.id
    place.setAttribute('aria-label', canvas.getAttribute('aria-label'))
    canvas.replaceWith(place)
    const style = document.createElement('link')
    style.rel = 'stylesheet'
    style.href = 'leaflet.css'
    style.addEventListener('load', () => this.draw())
    document.head.append(style)
    this.onPick = onPick
    this.picked = null
    this.map = L.map(place, { preferCanvas: true, attributionControl: false, zoomAnimation: false, maxZoom: 22 })
    this.map.setView([0, 0], 1).on('click', () => this.pick(null, null))
    this.group = L.featureGroup().addTo(this.map)
    this.unseen = false // something new to be shown as soon as the map has a size
    new ResizeObserver(() => this.draw()).observe(place)
  }

  show (shapes) {
    this.picked = null
    this.group.clearLayers()
    for (const shape of shapes) {
      const layer = layerOf(shape)
      layer.on('click', event => { L.DomEvent.stopPropagation(event); this.pick(shape, layer) })
      this.group.addLayer(layer)
    }
    this.unseen = shapes.length > 0
    this.draw()
  }

  draw () {
    this.map.invalidateSize({ animate: false })
    if (!this.unseen || !this.map.getSize().x || !this.map.getSize().y) return
    this.unseen = false
    this.map.fitBounds(this.group.getBounds(), NEAREST)
  }

  pick (shape, layer) {
    this.picked?.setStyle(PLAIN)
    layer?.setStyle(PICKED).bringToFront()
    this.picked = layer
    this.onPick(shape)
  }
}

function layerOf ({ points, closed }) {
  if (points.length === 1) return L.circleMarker(points[0], { ...PLAIN, ...DOT })
  return closed ? L.polygon(points, PLAIN) : L.polyline(points, { ...PLAIN, fill: false })
}
