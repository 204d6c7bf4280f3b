// What an answer says: its shapes on the map, its errors and remarks. Knows nothing of the page.

// One shape: {name, tags, points: [[lat, lon], …], closed}; a single point is drawn as a dot.

export function shapesOfJson (document) {
  const elements = document.elements || []
  const places = new Map()
  for (const element of elements) {
    if (element.type === 'node' && 'lat' in element) places.set(element.id, [element.lat, element.lon])
  }
  const shapes = []
  for (const element of elements) shapes.push(...shapesOf(element, places))
  return shapes
}

function shapesOf (element, places) {
  const about = { name: `${element.type} ${element.id}`, tags: element.tags || {} }
  const points = pointsOf(element, places)
  if (points.length) return [shape(about, points)]
  const members = (element.members || []).map(member => pointsOf(member, places)).filter(points => points.length)
  if (members.length) return members.map(points => shape(about, points))
  if (element.center) return [shape(about, [[element.center.lat, element.center.lon]])]
  return element.bounds ? [shape(about, corners(element.bounds))] : []
}

function pointsOf (element, places) {
  if ('lat' in element) return [[element.lat, element.lon]]
  if (Array.isArray(element.geometry)) return element.geometry.filter(Boolean).map(point => [point.lat, point.lon])
  return (element.nodes || []).map(id => places.get(id)).filter(Boolean)
}

function corners ({ minlat, minlon, maxlat, maxlon }) {
  return [[minlat, minlon], [minlat, maxlon], [maxlat, maxlon], [maxlat, minlon], [minlat, minlon]]
}

function shape (about, points) {
  const [first, last] = [points[0], points[points.length - 1]]
  return { ...about, points, closed: points.length > 3 && first[0] === last[0] && first[1] === last[1] }
}

// The same for a parsed XML document.
export function shapesOfXml (document) {
  const elements = [...document.documentElement.querySelectorAll('node, way, relation')].map(elementOfXml)
  return shapesOfJson({ elements })
}

function elementOfXml (xml) {
  const element = { type: xml.localName, id: xml.getAttribute('id'), tags: {} }
  const place = part => ({ lat: Number(part.getAttribute('lat')), lon: Number(part.getAttribute('lon')) })
  if (xml.hasAttribute('lat')) Object.assign(element, place(xml))
  for (const part of xml.children) {
    if (part.localName === 'tag') element.tags[part.getAttribute('k')] = part.getAttribute('v')
    if (part.localName === 'center') element.center = place(part)
    if (part.localName === 'bounds') {
      element.bounds = Object.fromEntries([...part.attributes].map(({ name, value }) => [name, Number(value)]))
    }
    if (part.localName === 'member') (element.members ||= []).push(memberOfXml(part, place))
    if (part.localName === 'nd' && part.hasAttribute('lat')) (element.geometry ||= []).push(place(part))
    else if (part.localName === 'nd') (element.nodes ||= []).push(part.getAttribute('ref'))
  }
  return element
}

function memberOfXml (xml, place) {
  if (xml.hasAttribute('lat')) return place(xml)
  return { geometry: [...xml.children].filter(point => point.hasAttribute('lat')).map(place) }
}

// The messages of an error page, given the text of its paragraphs: [{text, line}, …]; line 0: of no certain line.
export function errorsOf (paragraphs) {
  const errors = paragraphs.map(text => text.trim()).filter(text => text.startsWith('Error: '))
  return errors.map(text => text.slice('Error: '.length)).map(text => {
    const place = /^line (\d+): /.exec(text)
    return { text, line: place ? Number(place[1]) : 0 }
  })
}
