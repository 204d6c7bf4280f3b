// The page: a query on one side, its answer on the other.

import { errorsOf, shapesOfJson, shapesOfXml } from './answer.mjs'

const { ShapeMap } = await import('./leaflet_map.mjs').catch(() => import('./map.mjs'))

const INTERPRETER = '/api/interpreter'
const MOST_SHOWN = 1000000 // characters

const part = id => document.getElementById(id)
const query = part('query')
const map = new ShapeMap(part('map'), showTags)
let running = null
let faults = []

function showLines () {
  const marked = new Set(faults.map(fault => fault.line))
  const count = query.value.split('\n').length
  part('lines').replaceChildren(...Array.from({ length: count }, (_, index) => {
    const line = document.createElement('span')
    line.textContent = index + 1
    if (marked.has(index + 1)) line.className = 'fault'
    return line
  }))
  part('lines').scrollTop = query.scrollTop
}

function showFaults (found) {
  faults = found
  part('errors').replaceChildren(...faults.map(({ text, line }) => {
    const item = document.createElement('li')
    item.textContent = text
    item.addEventListener('click', () => goTo(line))
    return item
  }))
  showLines()
}

function goTo (line) {
  const lines = query.value.split('\n')
  const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0)
  query.focus()
  if (line) query.setSelectionRange(start, start + (lines[line - 1] || '').length)
}

function showTags (shape) {
  const rows = shape ? [[shape.name, ''], ...Object.entries(shape.tags)] : []
  part('tags').replaceChildren(...rows.flatMap(([key, value]) => {
    const [term, meaning] = [document.createElement('dt'), document.createElement('dd')]
    term.textContent = key
    meaning.textContent = value
    return [term, meaning]
  }))
}

function showView (view) {
  for (const name of ['map', 'data']) {
    part(name).hidden = name !== view
    part(`show-${name}`).setAttribute('aria-pressed', String(name === view))
  }
  map.draw()
}

function linkQuery () {
  const data = encodeURIComponent(query.value)
  part('link').href = `/?data=${data}`
  part('raw').href = `${INTERPRETER}?data=${data}`
}

async function run () {
  running?.abort()
  const own = running = new AbortController()
  const started = performance.now()
  part('stop').disabled = false
  part('summary').textContent = 'Waiting for the answer …'
  showFaults([])
  showTags(null)
  try {
    const answer = await fetch(INTERPRETER, {
      method: 'POST', body: new URLSearchParams({ data: query.value }), signal: own.signal
    })
    const text = await answer.text()
    show(answer, text, Math.round(performance.now() - started))
  } catch (error) {
    if (running === own) part('summary').textContent = own.signal.aborted ? 'Stopped.' : `No answer: ${error.message}`
  } finally {
    if (running === own) part('stop').disabled = true
  }
}

function show (answer, text, elapsed) {
  const kind = answer.headers.get('Content-Type') || ''
  const about = `${text.length} characters in ${elapsed} ms`
  part('data').textContent = text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}\n… and more` : text
  let shapes = []
  let remark = ''
  if (!answer.ok) {
    const page = new DOMParser().parseFromString(text, 'text/html')
    const found = errorsOf([...page.querySelectorAll('p')].map(paragraph => paragraph.textContent))
    showFaults(found.length ? found : [{ text: `${answer.status} ${answer.statusText}`, line: 0 }])
  } else if (kind === 'application/json') {
    const json = JSON.parse(text)
    shapes = shapesOfJson(json)
    remark = json.remark || ''
  } else if (kind === 'application/osm3s+xml') {
    const xml = new DOMParser().parseFromString(text, 'application/xml')
    shapes = shapesOfXml(xml)
    remark = [...xml.querySelectorAll('remark')].map(element => element.textContent.trim()).join(' ')
  }
  if (remark) {
    const place = /at line (\d+)/.exec(remark)
    showFaults([{ text: remark, line: place ? Number(place[1]) : 0 }])
  }
  map.show(shapes)
  showView(shapes.length ? 'map' : 'data')
  part('summary').textContent = answer.ok ? `${shapes.length} shapes; ${about}` : `Refused: ${answer.status}`
}

query.addEventListener('input', () => { showLines(); linkQuery() })
query.addEventListener('scroll', showLines)
query.addEventListener('keydown', event => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) run()
})
part('run').addEventListener('click', run)
part('stop').addEventListener('click', () => running?.abort())
part('show-map').addEventListener('click', () => showView('map'))
part('show-data').addEventListener('click', () => showView('data'))

const given = new URLSearchParams(location.search).get('data')
if (given !== null) query.value = given
showLines()
linkQuery()
if (given) run()
