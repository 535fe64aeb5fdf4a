"""Search by words with `concepts`: which form of vector, and which sentence space.

    python benchmarks/concepts.py TABLE.csv [--wordllama]

TABLE.csv is that of the clothing set, with the columns `path` (relative to itself), `label` and
`split`; all its pictures count. Each of its ten classes is asked for by its name and by two
paraphrases, which were written before anything was measured. Then, with no pictures: how well a
text ranks the ImageNet classes of known categories. Precision is at 10; `AP` is average precision,
its mean over queries mAP. `--wordllama` needs the package of that name.

The forms, for probabilities p of a picture's classes at a temperature, and the softmax w over the
classes for a text at another: the plain product, the cosine, and the product of square roots.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from tamis.encoders.base import normalise_rows
from tamis.encoders.imagenet_classes import class_descriptions
from tamis.encoders.preprocess import decode_side, prepare
from tamis.encoders.registry import load_encoder
from tamis.encoders.sentence_model import SentenceModel
from tamis.images.decode import decode

BATCH = 8
PICTURE_TEMPERATURES = (1, 2, 4)
TEXT_TEMPERATURES = (0.02, 0.05, 0.1)
CHOSEN = (2, 0.05)

QUERIES = {
    "dress": ["dress", "a one-piece garment for women with a skirt", "evening gown"],
    "hat": ["hat", "something worn on the head", "headwear with a brim"],
    "longsleeve": [
        "longsleeve",
        "long sleeved top",
        "garment for the upper body with long sleeves",
    ],
    "outwear": ["outwear", "coat or jacket", "warm clothing worn outdoors over other clothes"],
    "pants": ["pants", "trousers", "garment that covers both legs"],
    "shirt": ["shirt", "button-up shirt with a collar", "dress shirt"],
    "shoes": ["shoes", "footwear", "a pair of sneakers or boots"],
    "shorts": ["shorts", "short trousers that end above the knee", "bermuda shorts"],
    "skirt": ["skirt", "miniskirt", "garment that hangs from the waist of a woman"],
    "t-shirt": ["t-shirt", "tee shirt", "garment for the upper body with short sleeves"],
}

CATEGORIES = {
    "dog": ([*range(151, 269)], ["dog", "a puppy", "canine pet"]),
    "cat": ([*range(281, 286)], ["cat", "kitten", "feline pet"]),
    "bird": ([*range(7, 25), *range(80, 101), *range(127, 147)], ["bird", "feathered animal"]),
    "fish": ([*range(7), *range(389, 398)], ["fish"]),
    "snake": ([*range(52, 69)], ["snake", "serpent", "legless reptile"]),
    "lizard": ([*range(38, 49)], ["lizard"]),
    "monkey": ([*range(370, 383)], ["monkey"]),
    "insect": ([*range(300, 327)], ["insect", "bug"]),
    "turtle": ([*range(33, 38)], ["turtle", "tortoise"]),
    "frog": ([*range(30, 33)], ["frog", "amphibian"]),
    "mushroom": ([*range(991, 998)], ["mushroom", "fungus"]),
    "fruit": ([*range(948, 958)], ["fruit", "sweet food that grows on trees"]),
    "vegetable": ([*range(936, 946)], ["vegetable"]),
    "aeroplane": ([404, 895, 908], ["aeroplane", "plane", "passenger jet"]),
    "boat": ([472, 484, 554, 576, 625, 780, 814, 871, 914], ["boat", "ship"]),
    "car": ([407, 436, 468, 511, 609, 627, 656, 661, 717, 751, 817], ["car", "automobile"]),
    "truck": ([555, 569, 675, 717, 864, 867], ["truck", "lorry"]),
    "bicycle": ([444, 671], ["bicycle", "bike"]),
    "computer": ([527, 590, 620, 681], ["computer"]),
    "clock": ([409, 530, 892], ["clock", "device that tells the time"]),
    "chair": ([423, 559, 765], ["chair"]),
    "bed": ([431, 520, 564], ["bed"]),
    "hat": ([433, 439, 452, 515, 667, 793, 808], ["hat", "cap worn on the head"]),
    "shoe": ([502, 514, 630, 770, 774], ["shoe", "footwear"]),
}


def wordllama_texts(texts):
    """Mean of static token vectors of the package `wordllama`, at length 1."""
    from importlib.util import find_spec

    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    folder = Path(find_spec("wordllama").submodule_search_locations[0])
    table = load_file(folder / "weights" / "l2_supercat_256.safetensors")["embedding.weight"]
    tokenizer = Tokenizer.from_file(
        str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json")
    )
    tokenizer.no_padding()
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    return normalise_rows(np.stack([table[row].astype(np.float32).mean(axis=0) for row in ids]))


def softmax(logits, temperature):
    odds = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
    return odds / odds.sum(axis=1, keepdims=True)


FORMS = {
    "plain": lambda p, w: w @ p.T,
    "cosine": lambda p, w: normalise_rows(w) @ normalise_rows(p).T,
    "roots": lambda p, w: np.sqrt(w) @ np.sqrt(p).T,
}


def quality(scores, relevant):
    """Precision at 10 and average precision of one ranking."""
    hits = relevant[np.argsort(-scores, kind="stable")]
    precisions = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return hits[:10].mean(), precisions[hits].mean()


def log_posteriors(paths):
    """Logarithms of the class probabilities of pictures, `[N, 1000]`."""
    encoder = load_encoder("default")
    side = decode_side(encoder.preprocessing)
    parts = []
    for start in range(0, len(paths), BATCH):
        batch = [
            prepare(
                decode(path.read_bytes(), str(path), min_side=side).image,
                encoder.preprocessing,
            )
            for path in paths[start : start + BATCH]
        ]
        parts.append(encoder.posteriors(np.stack(batch)))
    return np.log(np.maximum(np.concatenate(parts), np.finfo(np.float32).tiny))


def print_grid(name, cosines, logits, relevant):
    for form, score in FORMS.items():
        for picture in PICTURE_TEMPERATURES:
            cells = []
            for text in TEXT_TEMPERATURES:
                scores = score(softmax(logits, picture), softmax(cosines, text))
                found = np.array([quality(*row) for row in zip(scores, relevant, strict=True)])
                cells.append("{:.3f} {:.3f}".format(*found.mean(axis=0)))
            print(f"{name:10} {form:7} {picture:>3}   {'   '.join(cells)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("table", type=Path)
    parser.add_argument("--wordllama", action="store_true")
    options = parser.parse_args()
    with options.table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] in QUERIES]
    labels = np.array([row["label"] for row in rows])
    logits = log_posteriors([options.table.parent / row["path"] for row in rows])
    asked = [(label, text) for label, texts in QUERIES.items() for text in texts]
    relevant = [labels == label for label, _ in asked]
    print(f"{len(rows)} pictures, {len(asked)} queries; precision at 10, then mAP")
    print(f"a random order has mAP {np.mean([row.mean() for row in relevant]):.3f}\n")
    print(
        f"{'space':10} {'form':7} {'p':>3}   " + "   ".join(f"w {t:<9}" for t in TEXT_TEMPERATURES)
    )

    spaces = {"MiniLM": SentenceModel().embed}
    if options.wordllama:
        spaces["wordllama"] = wordllama_texts
    known = [(classes, text) for classes, texts in CATEGORIES.values() for text in texts]
    chosen = {}
    for name, embed in spaces.items():
        classes = embed(class_descriptions())
        cosines = embed([text for _, text in asked]) @ classes.T
        print_grid(name, cosines, logits, relevant)
        ranked = embed([text for _, text in known]) @ classes.T
        chosen[name] = (
            cosines,
            [
                quality(row, np.isin(np.arange(1000), numbers))[1]
                for row, (numbers, _) in zip(ranked, known, strict=True)
            ],
        )

    picture, text = CHOSEN
    for name, (cosines, known_precisions) in chosen.items():
        print(
            f"\n{name}, {len(known)} texts over classes alone: mAP {np.mean(known_precisions):.3f}"
        )
        scores = FORMS["cosine"](softmax(logits, picture), softmax(cosines, text))
        print(f"{name}, cosine, temperatures {picture} and {text}:")
        for (label, query), *row in zip(asked, scores, relevant, strict=True):
            print("  {:10} {:50} {:.1f} {:.2f}".format(label, query, *quality(*row)))


if __name__ == "__main__":
    main()
