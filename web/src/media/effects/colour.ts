import { MATRICES, recolour, type ColourMatrix } from './matrices'
import type { EffectNode, Picture } from './node'
import type { FilterName } from './settings'

const VERTEX = `#version 300 es
out vec2 at;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0;
  at = vec2(corner.x, 1.0 - corner.y);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`

const FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D picture;
uniform mat3 mix3;
uniform vec3 plus;
in vec2 at;
out vec4 colour;
void main() {
  colour = vec4(clamp(texture(picture, at).rgb * mix3 + plus, 0.0, 1.0), 1.0);
}`

/** Recolours the picture: on the GPU, or where there is no WebGL, by the same numbers without it. */
export class ColourFilter implements EffectNode {
  private readonly matrix: ColourMatrix
  private readonly shader: Shader | null

  constructor(filter: Exclude<FilterName, 'none'>) {
    this.matrix = MATRICES[filter]
    this.shader = Shader.make(this.matrix)
  }

  apply({ canvas, context }: Picture): void {
    const drawn = this.shader?.draw(canvas)
    if (drawn) {
      context.drawImage(drawn, 0, 0)
      return
    }
    const image = context.getImageData(0, 0, canvas.width, canvas.height)
    recolour(image.data, this.matrix)
    context.putImageData(image, 0, 0)
  }

  close(): void {
    this.shader?.close()
  }
}

class Shader {
  private readonly canvas: OffscreenCanvas
  private readonly gl: WebGL2RenderingContext

  private constructor(canvas: OffscreenCanvas, gl: WebGL2RenderingContext) {
    this.canvas = canvas
    this.gl = gl
  }

  /** Null where there is no WebGL 2, or it does not take the program. */
  static make([red, green, blue]: ColourMatrix): Shader | null {
    const canvas = new OffscreenCanvas(1, 1)
    const gl = canvas.getContext('webgl2', { alpha: false, antialias: false, depth: false })
    if (!gl) return null
    const program = gl.createProgram()
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
      const shader = gl.createShader(type)
      if (!shader) return null
      gl.shaderSource(shader, source)
      gl.compileShader(shader)
      gl.attachShader(program, shader)
    }
    gl.linkProgram(program)
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null
    gl.useProgram(program)
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture())
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE)
    for (const use of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, use, gl.LINEAR)
    // Columns of the uniform are rows of ours, and the vector stands on its left.
    const rows = [red, green, blue].flatMap((row) => row.slice(0, 3))
    gl.uniformMatrix3fv(gl.getUniformLocation(program, 'mix3'), false, rows)
    gl.uniform3f(gl.getUniformLocation(program, 'plus'), red[3], green[3], blue[3])
    return new Shader(canvas, gl)
  }

  draw(picture: OffscreenCanvas): OffscreenCanvas | null {
    const { gl, canvas } = this
    // Drivers take contexts away, as when the machine sleeps; the CPU goes on.
    if (gl.isContextLost()) return null
    if (canvas.width !== picture.width || canvas.height !== picture.height) {
      canvas.width = picture.width
      canvas.height = picture.height
      gl.viewport(0, 0, canvas.width, canvas.height)
    }
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture)
    gl.drawArrays(gl.TRIANGLES, 0, 3)
    return canvas
  }

  /** Browsers keep few contexts alive at a time. */
  close(): void {
    this.gl.getExtension('WEBGL_lose_context')?.loseContext()
  }
}
