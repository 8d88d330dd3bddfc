"""People rendered in three dimensions, with the exact alpha of their visible faces; see docs/people.md.

From the mesh to the clip: `assets`, `identity` and `body` (shape); `skin`, `eyes`, `brows`, `lashes`, `hair`,
`clothing`, `hands`, `held` and `wear` (textures and meshes); `person` (all of one); `rig`, `expression`, `performers`
and `posing` (motion); `light`, `camera`, `rasterise`, `shade` and `frame` (pictures); `clip` and `source`.
"""
