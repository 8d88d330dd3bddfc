"""python scripts/matte.py --checkpoint=work/quickstart --input_source=clip.mp4 --output_dir=out

Mattes a video, or pictures, with a trained network; the same as the installed command rvm-matte (docs/matting.md).

A video becomes out/clip_alpha.mp4 and out/clip_comparison.mp4 (input, alpha, face cut out on a plain colour), of its
frame count and rate; --output_alpha and its like name other outputs. A picture, a folder of pictures, or a tree
<category>/img/<name> or <category>/img/<clip>/<frame> becomes alphas out/[<category>/][<clip>/]<name>.png, which
scripts/evaluate.py takes as --pred_dir. Networks for still pictures matte every frame for itself; those that want a
mask or trimap have it from --guidance, --guidance_alpha or --guidance_checkpoint.
"""

from rvm_jax.matting import command

if __name__ == "__main__":
    command.run(__doc__)
