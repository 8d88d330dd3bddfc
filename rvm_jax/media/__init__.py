"""Pictures, clips and faces on the disk and off it, by NumPy, OpenCV, PyAV and Pillow.

Nothing here imports JAX: the processes that load training data import these modules by the dozen, and must neither wait
for JAX nor claim an accelerator.
"""
