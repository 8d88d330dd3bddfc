"""python scripts/export.py --checkpoint=work/quickstart --output=face.onnx

Writes a trained network as a file for other programs; the same as the installed command rvm-export (docs/export.md).

--as says whose: rvm (RVM's own contract), picture, facefusion, visomaster, visomaster_xseg, deepfacelab, or stablehlo.
--size=1920x1080 bakes size and ratio in, for TensorRT, OpenVINO and CoreML. The file is run in ONNX Runtime beside JAX
before it is written.
"""

from rvm_jax.export import command

if __name__ == "__main__":
    command.run(__doc__)
