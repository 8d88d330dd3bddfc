"""A benchmark of real faces; nothing here is trained:

    python scripts/make_benchmark.py --config=configs/real_faces.py --output_dir=work/real_benchmark

The faces are the Face Research Lab London Set as downloaded (docs/data.md; datasets/london, or
--config.data.faces.london.root=…), 102 people with the face's outline in landmarks, CC BY 4.0. Before them come
photographed things (the samples of docs/samples, or any folder of cut-outs by
--config.data.occluders.photographed.root=…) and drawn ones: hands, things with surfaces like photographs, soft ones,
hair and nets; and, as the category `rendered`, hands and things of the renderer of people; as pictures, as clips that
stay still and as clips that move. All of the set is measured on, so no training may see any of it.
"""

from ml_collections import ConfigDict

from configs import _defaults


def get_config() -> ConfigDict:
    """Returns the sources of the benchmark."""
    measured = {"train": "hash:0/0/1", "valid": "hash:0/0/1", "test": "hash:0/0/1"}
    config = ConfigDict()
    config.data = _defaults.embedded_data({"name": "natocc"}, resolution=512, seq_length=1) | {
        "faces": {"london": {"name": "london", "root": "datasets/london", "split": measured, "weight": 1.0}},
        "occluders": {
            "photographed": {
                "name": "folder",
                "root": "docs/samples/occluders",
                "split": dict(measured),
                "weight": 1.0,
            },
            "drawn": {"name": "drawn", "surfaces": 1.0, "max_items": 2000, "weight": 2.0},
            "rendered": {"name": "people", "max_items": 2000, "weight": 1.0},
        },
        "own_categories": {"rendered": "natocc"},
        "textures": {"surfaces": {"name": "surfaces", "max_items": 2000, "weight": 1.0}},
        "max_bad_share": 0.0,
    }
    return config
