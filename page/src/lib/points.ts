/** Draws points, colored by a byte each, by WebGL, or on a 2-D canvas where there is none. */

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
  codes: Uint8Array
  /** Whether each point is in the present answer, 1 or 0. */
  on: Uint8Array
  /** 256 colors, red, green, blue and alpha. */
  palette: Uint8Array
}

export interface Painter {
  readonly kind: 'webgl' | 'canvas'
  set(points: Partial<Points>): void
  draw(frame: Frame, size: number): void
}

export const NOWHERE = 65535
const STEPS = 65534

export function unit(step: number): number {
  return (step / STEPS) * 2 - 1
}

const VERTEX = `
attribute vec2 place;
attribute float code;
attribute float on;
uniform vec2 middle;
uniform vec2 scale;
uniform mediump float size;
uniform float pass;
uniform sampler2D palette;
varying vec4 color;
void main() {
  vec2 at = place * (65535.0 / 65534.0) * 2.0 - 1.0;
  bool shown = on > 0.5 == pass > 0.5 && place.x < 0.99999;
  gl_Position = shown ? vec4((at - middle) * scale, 0.0, 1.0) : vec4(9.0, 9.0, 0.0, 1.0);
  gl_PointSize = size;
  color = pass > 0.5 ? texture2D(palette, vec2((code + 0.5) / 256.0, 0.5)) : vec4(0.5, 0.52, 0.52, 0.28);
}`

const FRAGMENT = `
precision mediump float;
uniform mediump float size;
varying vec4 color;
void main() {
  float far = length(gl_PointCoord - 0.5) * size;
  float cover = clamp(size * 0.5 - far + 0.5, 0.0, 1.0) * color.a;
  gl_FragColor = vec4(color.rgb * cover, cover);
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
  const uniforms = { middle: at('middle'), scale: at('scale'), size: at('size'), pass: at('pass') }
  const buffers = { places: gl.createBuffer(), codes: gl.createBuffer(), on: gl.createBuffer() }
  let count = 0
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
      }
      if (points.palette)
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, points.palette)
    },
    draw(frame, size) {
      gl.viewport(0, 0, canvas.width, canvas.height)
      gl.clearColor(0, 0, 0, 0)
      gl.clear(gl.COLOR_BUFFER_BIT)
      attribute(buffers.places, 'place', 2, gl.UNSIGNED_SHORT, true)
      attribute(buffers.codes, 'code', 1, gl.UNSIGNED_BYTE, false)
      attribute(buffers.on, 'on', 1, gl.UNSIGNED_BYTE, false)
      gl.uniform2f(uniforms.middle, frame.x, frame.y)
      gl.uniform2f(uniforms.scale, (2 * frame.scale) / canvas.width, (2 * frame.scale) / canvas.height)
      gl.uniform1f(uniforms.size, size)
      for (const pass of [0, 1]) {
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
    codes: new Uint8Array(0),
    on: new Uint8Array(0),
    palette: new Uint8Array(1024),
  }
  return {
    kind: 'canvas',
    set(points) {
      Object.assign(held, points)
    },
    draw(frame, size) {
      pen.clearRect(0, 0, canvas.width, canvas.height)
      for (const pass of [0, 1]) {
        let last = ''
        for (let at = 0; at < held.on.length; at++) {
          if (held.on[at] !== pass || held.places[2 * at] === NOWHERE) continue
          const x = canvas.width / 2 + (unit(held.places[2 * at]!) - frame.x) * frame.scale
          const y = canvas.height / 2 - (unit(held.places[2 * at + 1]!) - frame.y) * frame.scale
          const code = 4 * held.codes[at]!
          const p = held.palette
          const color = pass ? `rgb(${p[code]} ${p[code + 1]} ${p[code + 2]})` : 'rgb(128 132 132 / 0.28)'
          if (color !== last) pen.fillStyle = last = color
          pen.fillRect(x - size / 2, y - size / 2, size, size)
        }
      }
    },
  }
}

/** The red, green and blue that a color of CSS means. */
export function paletteOf(colors: string[]): Uint8Array {
  const canvas = document.createElement('canvas')
  canvas.width = 256
  canvas.height = 1
  const pen = canvas.getContext('2d', { willReadFrequently: true })!
  colors.forEach((color, at) => {
    pen.fillStyle = color
    pen.fillRect(at, 0, 1, 1)
  })
  return new Uint8Array(pen.getImageData(0, 0, 256, 1).data.buffer)
}
