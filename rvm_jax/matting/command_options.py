"""What the command `rvm-matte` is given beside the settings of `matte_video` and `matte_pictures`."""

from dataclasses import dataclass

from rvm_jax.matting.option import Checked, option


@dataclass(frozen=True)
class CommandOptions(Checked):
    """Holds what the command alone is given."""

    checkpoint: tuple[str, ...] = option(
        ("face",),
        "A network of the package (face), a work directory, one of its steps, or a .pth or .safetensors file. Given "
        "several times, the comparison shows the others below the first.",
    )
    input_source: str = option(
        "",
        "A video, a picture, a folder of pictures, a tree of categories, a pattern such as 'clips/*.mp4', - for raw "
        "RGB frames on the standard input, or webcam (webcam:1 for the second).",
        required=True,
    )
    output_dir: str | None = option(None, "The folder for results that no --output_… flag names; made where missing.")
    output_type: str | None = option(
        None, "What outputs are; by default their suffix tells.", choices=("video", "png_sequence")
    )
    output_alpha: tuple[str, ...] = option(
        (),
        "Alpha: .mp4 (H.264), .mov (ProRes 4444), .webm (VP9), .mkv (FFV1), or without suffix a folder of PNG; {stem} "
        "stands for the input's name.",
    )
    output_foreground: tuple[str, ...] = option((), "Foreground colours; files as for alpha.")
    output_composition: tuple[str, ...] = option(
        (), "The face on the background; files as for alpha. --background=transparent makes it RGBA."
    )
    output_occluder: tuple[str, ...] = option(
        (), "The alpha of what hides the face; files as for alpha. Needs --face_mask, or faces."
    )
    output_occlusion: tuple[str, ...] = option(
        (), "The hidden share of the face per frame, .csv. Needs --face_mask, or faces."
    )
    output_comparison: tuple[str, ...] = option(
        (), "Input, alpha and cut-out side by side; files as for alpha, or .gif, or .png: a contact sheet."
    )
    guidance: str | None = option(
        None,
        "The masks or trimaps that a guided network wants: a picture, a folder like the results' or a benchmark; of a "
        "clip a folder of frames or a video.",
    )
    guidance_alpha: str | None = option(
        None,
        "Alphas from which masks or trimaps are derived, laid out so too: a segmentation, another network's, "
        "the truth.",
    )
    guidance_checkpoint: str | None = option(
        None, "A network that mattes first; masks or trimaps are derived from its alphas."
    )
    face_file: str | None = option(
        None,
        "A CSV of boxes or landmarks per frame of a clip, or per picture of a folder: matte these faces alone.",
    )
    face_model: str | None = option(None, "A YuNet .onnx of OpenCV's model zoo that finds the faces.")
    max_faces: int = option(
        4,
        "At most so many of the faces that are found.",
        valid=lambda count: count >= 1,
        expected="a whole number of 1 or more",
    )
    face_gap: float = option(
        2.0,
        "Seconds for which a face may be missing, hidden or not found, and keeps its place.",
        valid=lambda seconds: seconds >= 0,
        expected="seconds of 0 or more",
    )
    face_template: str | None = option(
        None,
        "Cut faces out as face programs do (FaceFusion, VisoMaster, DeepFaceLab), for networks trained on such crops.",
        choices=("arcface_128", "ffhq_512", "dfl_whole_face"),
    )
    preview: bool | None = option(None, "Show a window; by default for a webcam where there is a screen.")
    dry_run: bool = option(False, "Say what would be done, and do nothing.")
