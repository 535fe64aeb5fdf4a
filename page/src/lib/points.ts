/** Draws points, each with a color of its value, by WebGL, or on a 2-D canvas without it. */

export interface Frame {
  /** What is in the middle, in [-1, 1] across and up. */
  x: number
  y: number
  /** Pixels of the canvas for one unit. */
  scale: number
}

export interface Points {
  /** Pairs of uint16; 65535 stands for nowhere. */
  places: Uint16Array
  /** Of each point its color in the palette. */
  codes: Uint16Array
  /** 0 left out by the present filter, 1 in the answer, 2 selected as well. */
  on: Uint8Array
  /** 1024 colors, red, green, blue and alpha; the last is for points without a value. */
  palette: Uint8Array
}

export interface Look {
  /** Pixels across a point. */
  size: number
  /** How much of what lies below a point covers; less where they lie densely. */
  cover: number
  /** The one color that is shown; null for all. */
  only: number | null
}

export interface Painter {
  readonly kind: 'webgl' | 'canvas'
  set(points: Partial<Points>): void
  draw(frame: Frame, look: Look): void
}

export const NOWHERE = 65535
export const NO_VALUE = 1023
const STEPS = 65534
const COLORS = 1024

export function unit(step: number): number {
  return (step / STEPS) * 2 - 1
}

/** The server's codes, a byte or two each, as places in the palette. */
export function codesOf(data: ArrayBuffer, rows: number): Uint16Array {
  if (data.byteLength >= 2 * rows && rows)
    return new Uint16Array(data).map((code) => Math.min(code, NO_VALUE))
  return Uint16Array.from(new Uint8Array(data), (code) => (code === 255 ? NO_VALUE : code))
}

const VERTEX = `
attribute vec2 place;
attribute float code;
attribute float on;
uniform vec2 middle;
uniform vec2 scale;
uniform mediump float size;
uniform float cover;
uniform float only;
uniform mediump float pass;
uniform sampler2D palette;
varying vec4 color;
void main() {
  vec2 at = place * (65535.0 / 65534.0) * 2.0 - 1.0;
  bool lit = on > 0.5 && (only < -0.5 || abs(code - only) < 0.5);
  bool shown = place.x < 0.99999 && (pass < 0.5 ? !lit : pass < 1.5 ? lit : on > 1.5 && lit);
  gl_Position = shown ? vec4((at - middle) * scale, 0.0, 1.0) : vec4(9.0, 9.0, 0.0, 1.0);
  gl_PointSize = pass > 1.5 ? size + 5.0 : size;
  vec4 own = texture2D(palette, vec2((code + 0.5) / 1024.0, 0.5));
  color = pass < 0.5 ? vec4(0.5, 0.52, 0.52, 0.24) : vec4(own.rgb, pass > 1.5 ? 1.0 : cover);
}`

// a selected point has a dark rim within a light one, so that it stands out on any ground
const FRAGMENT = `
precision mediump float;
uniform mediump float size;
uniform mediump float pass;
varying vec4 color;
void main() {
  float wide = pass > 1.5 ? size + 5.0 : size;
  float far = length(gl_PointCoord - 0.5) * wide;
  float cover = clamp(wide * 0.5 - far + 0.5, 0.0, 1.0) * color.a;
  vec3 ink = color.rgb;
  if (pass > 1.5) ink = far > size * 0.5 + 1.2 ? vec3(1.0) : far > size * 0.5 - 0.4 ? vec3(0.05) : ink;
  gl_FragColor = vec4(ink * cover, cover);
}`

export function painter(canvas: HTMLCanvasElement): Painter {
  // a canvas that was asked for WebGL draws nothing else, so another one is asked first
  const works = webgl(document.createElement('canvas')) !== null
  return (works && webgl(canvas)) || plain(canvas)
}

function webgl(canvas: HTMLCanvasElement): Painter | null {
  const gl = canvas.getContext('webgl', { antialias: false, alpha: true, preserveDrawingBuffer: false })
  if (!gl) return null
  const program = gl.createProgram()
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind)!
    gl.shaderSource(shader, source)
    gl.compileShader(shader)
    gl.attachShader(program, shader)
  }
  gl.linkProgram(program)
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null
  gl.useProgram(program)
  const at = (name: string) => gl.getUniformLocation(program, name)
  const uniforms = {
    middle: at('middle'),
    scale: at('scale'),
    size: at('size'),
    cover: at('cover'),
    only: at('only'),
    pass: at('pass'),
  }
  const buffers = { places: gl.createBuffer(), codes: gl.createBuffer(), on: gl.createBuffer() }
  let count = 0
  let selected = false
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture())
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST)
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST)
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE)
  gl.enable(gl.BLEND)
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA)

  function attribute(buffer: WebGLBuffer, name: string, width: number, type: number, normal: boolean) {
    const place = gl!.getAttribLocation(program, name)
    gl!.bindBuffer(gl!.ARRAY_BUFFER, buffer)
    gl!.enableVertexAttribArray(place)
    gl!.vertexAttribPointer(place, width, type, normal, 0, 0)
  }

  return {
    kind: 'webgl',
    set(points) {
      for (const name of ['places', 'codes', 'on'] as const) {
        const data = points[name]
        if (!data) continue
        gl.bindBuffer(gl.ARRAY_BUFFER, buffers[name])
        gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW)
        if (name === 'places') count = data.length / 2
        if (name === 'on') selected = data.includes(2)
      }
      if (points.palette)
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, COLORS, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, points.palette)
    },
    draw(frame, look) {
      gl.viewport(0, 0, canvas.width, canvas.height)
      gl.clearColor(0, 0, 0, 0)
      gl.clear(gl.COLOR_BUFFER_BIT)
      attribute(buffers.places, 'place', 2, gl.UNSIGNED_SHORT, true)
      attribute(buffers.codes, 'code', 1, gl.UNSIGNED_SHORT, false)
      attribute(buffers.on, 'on', 1, gl.UNSIGNED_BYTE, false)
      gl.uniform2f(uniforms.middle, frame.x, frame.y)
      gl.uniform2f(uniforms.scale, (2 * frame.scale) / canvas.width, (2 * frame.scale) / canvas.height)
      gl.uniform1f(uniforms.size, look.size)
      gl.uniform1f(uniforms.cover, look.cover)
      gl.uniform1f(uniforms.only, look.only ?? -1)
      for (const pass of selected ? [0, 1, 2] : [0, 1]) {
        gl.uniform1f(uniforms.pass, pass)
        gl.drawArrays(gl.POINTS, 0, count)
      }
    },
  }
}

function plain(canvas: HTMLCanvasElement): Painter {
  const pen = canvas.getContext('2d')!
  const held: Points = {
    places: new Uint16Array(0),
    codes: new Uint16Array(0),
    on: new Uint8Array(0),
    palette: new Uint8Array(4 * COLORS),
  }
  return {
    kind: 'canvas',
    set(points) {
      Object.assign(held, points)
    },
    draw(frame, { size, cover, only }) {
      pen.clearRect(0, 0, canvas.width, canvas.height)
      for (const pass of [0, 1, 2]) {
        let last = ''
        const side = pass === 2 ? size + 3 : size
        for (let at = 0; at < held.on.length; at++) {
          const code = held.codes[at] ?? NO_VALUE
          const lit = held.on[at]! > 0 && (only === null || code === only)
          if (held.places[2 * at] === NOWHERE) continue
          if (pass === 0 ? lit : !lit || (pass === 2 && held.on[at] !== 2)) continue
          const x = canvas.width / 2 + (unit(held.places[2 * at]!) - frame.x) * frame.scale
          const y = canvas.height / 2 - (unit(held.places[2 * at + 1]!) - frame.y) * frame.scale
          const p = held.palette
          const own = `rgb(${p[4 * code]} ${p[4 * code + 1]} ${p[4 * code + 2]} / ${cover})`
          const color = pass === 0 ? 'rgb(128 132 132 / 0.24)' : pass === 2 ? '#111' : own
          if (color !== last) pen.fillStyle = pen.strokeStyle = last = color
          if (pass === 2) pen.strokeRect(x - side / 2, y - side / 2, side, side)
          else pen.fillRect(x - side / 2, y - side / 2, side, side)
        }
      }
    },
  }
}

/** The red, green and blue that colors of CSS mean. */
export function paletteOf(colors: string[]): Uint8Array {
  const canvas = document.createElement('canvas')
  canvas.width = COLORS
  canvas.height = 1
  const pen = canvas.getContext('2d', { willReadFrequently: true })!
  colors.forEach((color, at) => {
    pen.fillStyle = color
    pen.fillRect(at, 0, 1, 1)
  })
  return new Uint8Array(pen.getImageData(0, 0, COLORS, 1).data.buffer)
}
