"""Where faces, occluders, textures, backgrounds and clips come from: `ADAPTERS` is the whole list.

`open_source` reads a config's entry: `dict(name=, root=, weight=, include=, exclude=, max_items=, split=, …)`.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from data_pipeline.sources import face_fork_layout as fork
from data_pipeline.sources import faces, london, occluders, rvm, segmentation, textures
from data_pipeline.sources.adapter import SELECTION, Adapter
from data_pipeline.sources.base import ClipSource, Request, Source
from data_pipeline.sources.clips import FrameClips, VideoClips, listed_frames
from data_pipeline.sources.folder import expectation, folder
from data_pipeline.sources.generated import people, procedural, surfaces, synthesized
from data_pipeline.sources.prepared import open_prepared
from data_pipeline.sources.records import Pictures, existing_folder
from data_pipeline.sources.select import Selection, select
from rvm_jax.errors import UserError

_HALVES = {"train": ("train",), "valid": ("valid", "test"), "test": ("test", "valid")}
_TRAIN_TEST = {"train": ("train",), "valid": ("test",), "test": ("test",)}
_TRAIN_VALIDATION = {"train": ("train",), "valid": ("validation",), "test": ("validation",)}
_COCO = {"train": ("train2017",), "valid": ("val2017",), "test": ("val2017",)}
_NATOCC = "https://github.com/kennyvoo/face-occlusion-generation"
_RVM_DATA = "https://github.com/PeterL1n/RobustVideoMatting/blob/master/documentation/training.md"

ADAPTERS: dict[str, Adapter] = {
    "folder": Adapter(
        "Any folders of pictures and masks, or of pictures in RGBA",
        ("face", "occluder", "texture", "background", "foreground", "segmentation"),
        folder,
        layout="{img,image,fg,…}/{name}.* beside {mask,alpha,pha,…}/{name}[_mask].*, in the root or in class folders",
        origin="your own",
        licence="your own",
        example='split="hash:0.8/0.1/0.1"',
    ),
    "procedural": Adapter(
        "Rendered heads and occluders with exact alpha",
        ("face", "occluder"),
        generate=procedural,
        layout="nothing to download",
        origin="this project",
        licence="Apache-2.0",
        example='include=["hand", "mug"], surfaces=0.7',
    ),
    "surfaces": Adapter(
        "Drawn surfaces (wood, cloth, food, fur, print …) and scenes, with the statistics of photographs",
        ("texture", "background"),
        generate=surfaces,
        layout="nothing to download",
        origin="this project",
        licence="Apache-2.0",
    ),
    "people": Adapter(
        "People rendered in three dimensions, with hands, hair, shadows and exact alpha",
        ("face",),
        generate=people,
        layout="nothing to download",
        origin="this project, on the mesh of MakeHuman/MPFB",
        licence="Apache-2.0; the mesh is CC0",
        example="hands=0.8, frames=24",
    ),
    "synthesized": Adapter(
        "Clips of a config, synthesised offline",
        ("face",),
        generate=synthesized,
        layout="a prepared set of scripts/prepare_data.py --synthesize",
        origin="this project, from the sources of the config",
        licence="those of the sources",
        example="prepared=True",
    ),
    "celebamask_hq": Adapter(
        "CelebAMask-HQ",
        ("face",),
        faces.celebamask_hq,
        partial(Pictures, read_mask=faces.read_celeba_mask),
        faces.celeba_split,
        layout="CelebA-HQ-img/{id}.jpg, CelebAMask-HQ-mask-anno/{0..14}/{id:05d}_{part}.png, "
        "CelebA-HQ-to-CelebA-mapping.txt; corrected masks {id}.png and WO lists of the NatOcc project",
        origin=f"https://github.com/switchablenorms/CelebAMask-HQ; corrected masks: {_NATOCC}",
        licence="non-commercial research only; no redistribution of the pictures or what derives from them",
        example='masks="CelebAMask-HQ-masks_corrected", '
        'split=dict(train="CelebAMask-HQ-WO-train.txt", valid="CelebAMask-HQ-WO-test.txt")',
    ),
    "realocc": Adapter(
        "RealOcc, RealOcc-Wild",
        ("face",),
        faces.realocc,
        layout="image/*.jpg, mask/*.png, split/val.txt",
        origin=_NATOCC,
        licence="photos of Pexels and Unsplash, no licence of the dataset found: for evaluation",
        example='split=dict(valid="split/val.txt")',
    ),
    "faceocc": Adapter(
        "FaceOcc, its really occluded faces",
        ("face",),
        faces.faceocc,
        partial(Pictures, read_mask=faces.read_faceocc_mask),
        _TRAIN_TEST,
        layout="ffhq/*.png (alpha = occluder), ffhqMask/*.pkl, CelebAHQ/*.png, COFW_test/{img,mask}",
        origin="https://github.com/face3d0725/FaceExtraction",
        licence="MIT; the faces keep the terms of CelebA-HQ, FFHQ and COFW",
    ),
    "london": Adapter(
        "Face Research Lab London Set",
        ("face",),
        london.london,
        partial(Pictures, read_mask=london.read_face),
        layout="{neutral_front,smiling_front}/{person}_{number}.{jpg,tem}",
        origin="https://doi.org/10.6084/m9.figshare.5047666",
        licence="CC BY 4.0 (DeBruine and Jones 2017)",
        example='include=["neutral_front"]',
    ),
    "celebv_hq": Adapter(
        "CelebV-HQ",
        ("face", "background"),
        faces.celebv_hq,
        VideoClips,
        layout="processed/{clip}.mp4; masks of your own {clip}/{frame}.png",
        origin="https://github.com/CelebV-HQ/CelebV-HQ",
        licence="non-commercial research only",
        example='masks="masks", split="hash:0.95/0.05"',
    ),
    "fork": Adapter(
        "The prepared data of the face-matting fork",
        ("face", "occluder"),
        fork.fork,
        own_split=fork.fork_split,
        layout="source/face/CelebAMask-HQ/CelebA-HQ-img-512, occluders/{sim,hiu,am2k,11k}, FM_dataset/…/rand",
        origin="prepared by hand from CelebAMask-HQ, SIM, HIU-DMTL, AM-2k, 11k Hands and RandOcc",
        licence="those of the datasets in it",
        example='include=["sim", "hiu", "am2k", "rand"]',
    ),
    "sim": Adapter(
        "SIM (SIMD)",
        ("occluder", "foreground"),
        occluders.sim,
        own_split=_TRAIN_TEST,
        layout="{train,test}/{class}/{fg,alpha}/{name}.jpg",
        origin="https://github.com/nowsyn/SIM",
        licence="none stated; the part from Adobe's set must be asked for at Adobe",
        example='exclude=["spider_web"]',
    ),
    "am2k": Adapter(
        "AM-2k",
        ("occluder", "foreground"),
        occluders.am2k,
        own_split=_TRAIN_VALIDATION,
        layout="{train,validation}/{original/*.jpg,mask/*.png}, fg/*.png where made",
        origin="https://github.com/JizhiziLi/GFM",
        licence="MIT, after signing its agreement",
        example="max_items=1000",
    ),
    "hands_11k": Adapter(
        "11k Hands",
        ("occluder",),
        occluders.hands_11k,
        layout="Hands/Hand_{number}.jpg; masks of the NatOcc project: 11k-hands_masks/*.png",
        origin=f"https://sites.google.com/view/11khands; masks: {_NATOCC}",
        licence="free for reasonable academic fair use",
    ),
    "hiu_dmtl": Adapter(
        "HIU-DMTL",
        ("occluder",),
        occluders.hiu_dmtl,
        layout="to_cv_community/{name}.jpg, {name}_mask.png, {name}.json",
        origin="https://github.com/MandyMo/HIU-DMTL",
        licence="no licence of the dataset found (the code: MIT); password by e-mail",
        example='split="hash:0.9/0.1"',
    ),
    "coco_objects": Adapter(
        "COCO objects of the NatOcc project",
        ("occluder",),
        occluders.coco_objects,
        layout="object_image_sr/*.jpg, object_mask_x4/*.png",
        origin=_NATOCC,
        licence="the project's repository states none; pictures: terms of Flickr; COCO's annotations: CC BY 4.0",
    ),
    "faceocc_occluders": Adapter(
        "FaceOcc, its occluders",
        ("occluder",),
        occluders.faceocc_occluders,
        layout="CelebAHQ/*.png, ffhq/*.png, internet/{class}/*.png in RGBA",
        origin="https://github.com/face3d0725/FaceExtraction",
        licence="MIT; cut out of CelebA-HQ, FFHQ and the internet, whose terms stay",
    ),
    "dtd": Adapter(
        "Describable Textures (DTD)",
        ("texture", "background"),
        textures.dtd,
        own_split=textures.dtd_split,
        layout="images/{class}/{class}_{number}.jpg, labels/{train,val,test}{1..10}.txt",
        origin="https://www.robots.ox.ac.uk/~vgg/data/dtd",
        licence="for research purposes",
        example='split="labels/train2.txt"',
    ),
    "videomatte240k": Adapter(
        "VideoMatte240K",
        ("foreground", "occluder"),
        rvm.videomatte240k,
        FrameClips,
        _HALVES,
        layout="{train,valid,test}/{fgr,pha}/{clip}/{frame}.jpg",
        origin="https://grail.cs.washington.edu/projects/background-matting-v2",
        licence="MIT, by word of its author",
    ),
    "imagematte": Adapter(
        "ImageMatte (Distinctions-646 and Adobe's set, persons)",
        ("foreground", "occluder"),
        rvm.imagematte,
        own_split=_HALVES,
        layout="{train,valid}/{fgr,pha}/{name}.{jpg,png}",
        origin=_RVM_DATA,
        licence="both by request to their authors",
    ),
    "background_images": Adapter(
        "Background pictures",
        ("background", "texture"),
        rvm.background_images,
        layout="any pictures, in the root or below it",
        origin=_RVM_DATA,
        licence="those of the pictures",
    ),
    "background_videos": Adapter(
        "Background videos (DVM)",
        ("background",),
        rvm.background_videos,
        FrameClips,
        {"train": ("train", ""), "valid": ("valid", "test", ""), "test": ("test", "valid", "")},
        layout="[{train,test}/]{clip}/{frame}.jpg",
        origin=_RVM_DATA,
        licence="those of the videos of DVM (https://github.com/nowsyn/DVM)",
    ),
    "coco_panoptic": Adapter(
        "COCO panoptic, persons",
        ("segmentation",),
        segmentation.coco_panoptic,
        partial(Pictures, read_mask=segmentation.read_panoptic_mask),
        _COCO,
        layout="{train,val}2017/*.jpg, panoptic_{train,val}2017/*.png, annotations/panoptic_{train,val}2017.json",
        origin="https://cocodataset.org",
        licence="annotations CC BY 4.0; pictures: terms of Flickr",
    ),
    "youtubevis2021": Adapter(
        "YouTubeVIS 2021, persons",
        ("segmentation",),
        segmentation.youtubevis2021,
        partial(FrameClips, list_frames=listed_frames, read_mask=segmentation.read_runs),
        layout="train/JPEGImages/{video}/{frame}.jpg, train/instances.json",
        origin="https://youtube-vos.org/dataset/vis",
        licence="after registration, on its terms",
    ),
    "supervisely": Adapter(
        "Supervisely Persons",
        ("segmentation",),
        segmentation.supervisely,
        partial(Pictures, read_mask=segmentation.read_supervisely_mask),
        layout="{part}/{img/*.*,ann/*.json}, or the bitmaps of RVM: {img,seg} or {train,valid}/{src,msk}",
        origin="https://supervisely.com, the project Supervisely Persons",
        licence="non-commercial research only",
    ),
}


def open_source(spec: Mapping[str, Any], request: Request) -> Source | ClipSource:
    """Opens the source that `spec` describes: `name` is the adapter, the other keys are its settings.

    Every source on disk has the settings of `Selection`, and `prepared=True` for one that `scripts/prepare_data.py`
    wrote to `root`. Keys that are None count as not given; `weight` is the mixture's.

    Raises:
        UserError: where the adapter or a key is unknown, one is missing, or the adapter finds nothing.
    """
    name, adapter, settings = read_spec(spec, request)
    where = request.where
    if settings.pop("prepared", False):
        if "root" not in settings:
            raise UserError(f"{where}.root: a prepared source needs it; give the folder that prepare_data.py wrote")
        root = existing_folder(Path(settings.pop("root")), f"{where}.root")
        return open_prepared(root, name, adapter, request, settings)
    if adapter.generate is not None:
        return adapter.generate(request, **settings)
    root = existing_folder(Path(settings.pop("root")), f"{where}.root")
    selection = Selection(**{key: settings.pop(key) for key in SELECTION if key in settings})
    assert adapter.find is not None
    found = list(adapter.find(root, request, **settings))
    if not found:
        more = expectation(request) if name == "folder" else f"its layout is {adapter.layout}"
        raise UserError(f"{where}.root: no pictures in {root}; {more}")
    records, skipped = select(found, root, request, selection, adapter.own_split)
    return adapter.source(request.kind, records, skipped)


def read_spec(spec: Mapping[str, Any], request: Request) -> tuple[str, Adapter, dict[str, Any]]:
    """Returns the adapter's name, the adapter, and its settings; raises UserError where these are wrong."""
    where = request.where
    settings = {key: value for key, value in spec.items() if value is not None and key != "weight"}
    name = settings.pop("name", None)
    if name not in ADAPTERS:
        raise UserError(f"{where}.name: no source '{name}'; known are {', '.join(ADAPTERS)}")
    adapter = ADAPTERS[name]
    if request.kind not in adapter.kinds:
        raise UserError(
            f"{where}.name: '{name}' is no source of kind {request.kind}, but of {', '.join(adapter.kinds)}"
        )
    known = [*adapter.settings, "prepared", *(("root", *SELECTION) if settings.get("prepared") else ())]
    for key in settings:
        if key not in known:
            raise UserError(f"{where}.{key}: '{name}' has no such setting; it has {', '.join(adapter.settings)}")
    needed = [key for key, parameter in adapter.own_settings.items() if parameter.default is parameter.empty]
    for key in ([] if adapter.generate else ["root"]) + needed:
        if key not in settings:
            raise UserError(f"{where}.{key}: '{name}' needs it; give it a value")
    return name, adapter, settings
