"""Makes embedding.safetensors: points in clusters, and what scikit-learn makes of them.

Run with numpy, safetensors and scikit-learn: python make_embedding_fixtures.py
"""

import os

import numpy as np
from safetensors.numpy import save_file
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness

random = np.random.default_rng(5)
centers = random.normal(size=(6, 12)) * 3
points = np.concatenate(
    [center + random.normal(size=(25, 12)) @ np.diag(random.uniform(0.2, 1.2, 12)) for center in centers]
).astype(np.float32)

pca = PCA(2).fit(points)
components = pca.transform(points)
# The sign of a component is such that its largest coordinate is positive.
for column in range(2):
    if components[np.abs(components[:, column]).argmax(), column] < 0:
        components[:, column] *= -1
tsne = TSNE(2, perplexity=20, init="pca", learning_rate="auto", random_state=0).fit_transform(points)
save_file(
    {
        "points": points,
        "components": components.astype(np.float32),
        "shares": pca.explained_variance_ratio_.astype(np.float32),
        "trustworthiness": np.array(
            [
                trustworthiness(points, components, n_neighbors=5),
                trustworthiness(points, components, n_neighbors=12),
                trustworthiness(points, tsne, n_neighbors=5),
                trustworthiness(points, tsne, n_neighbors=12),
            ],
            dtype=np.float32,
        ),
    },
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "embedding.safetensors"),
)
