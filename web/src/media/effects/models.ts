// The models' files as they lie on our own origin, with the names that their libraries know them by.
import faceGraph from '@mediapipe/face_mesh/face_mesh.binarypb?url&no-inline'
import faceScript from '@mediapipe/face_mesh/face_mesh.js?url&no-inline'
import facePacked from '@mediapipe/face_mesh/face_mesh_solution_packed_assets.data?url&no-inline'
import facePackedLoader from '@mediapipe/face_mesh/face_mesh_solution_packed_assets_loader.js?url&no-inline'
import faceGlue from '@mediapipe/face_mesh/face_mesh_solution_simd_wasm_bin.js?url&no-inline'
import faceWasm from '@mediapipe/face_mesh/face_mesh_solution_simd_wasm_bin.wasm?url&no-inline'
import segmenterGraph from '@mediapipe/selfie_segmentation/selfie_segmentation.binarypb?url&no-inline'
import segmenterScript from '@mediapipe/selfie_segmentation/selfie_segmentation.js?url&no-inline'
import segmenterNet from '@mediapipe/selfie_segmentation/selfie_segmentation_landscape.tflite?url&no-inline'
import segmenterGlue from '@mediapipe/selfie_segmentation/selfie_segmentation_solution_simd_wasm_bin.js?url&no-inline'
import segmenterWasm from '@mediapipe/selfie_segmentation/selfie_segmentation_solution_simd_wasm_bin.wasm?url&no-inline'
import type { ModelStart } from './messages'
import type { ModelName } from './settings'

const MODELS: Record<ModelName, Pick<ModelStart, 'script' | 'files'>> = {
  segmenter: {
    script: segmenterScript,
    files: {
      'selfie_segmentation.binarypb': segmenterGraph,
      'selfie_segmentation_landscape.tflite': segmenterNet,
      'selfie_segmentation_solution_simd_wasm_bin.js': segmenterGlue,
      'selfie_segmentation_solution_simd_wasm_bin.wasm': segmenterWasm,
    },
  },
  face: {
    script: faceScript,
    files: {
      'face_mesh.binarypb': faceGraph,
      'face_mesh_solution_packed_assets.data': facePacked,
      'face_mesh_solution_packed_assets_loader.js': facePackedLoader,
      'face_mesh_solution_simd_wasm_bin.js': faceGlue,
      'face_mesh_solution_simd_wasm_bin.wasm': faceWasm,
    },
  },
}

/** Starts a model in a worker of its own; it is asked through the other end of the port. */
export function startModel(model: ModelName, port: MessagePort): Worker {
  const worker = new Worker(new URL('./model.worker.ts', import.meta.url))
  const start: ModelStart = { model, port, ...MODELS[model] }
  worker.postMessage(start, [port])
  return worker
}
