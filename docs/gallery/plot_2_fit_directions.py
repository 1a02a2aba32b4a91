"""
Fit a distribution to directions
================================

The magnetisation of nine specimens of lava from the Icelandic flow of 1947-48: declination and inclination in degrees.
R. A. Fisher introduced the distribution on the sphere with these directions (*Dispersion on a sphere*, Proceedings of
the Royal Society A 217, 1953). SciPy fits it too, and serves as a check.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import vonmises_fisher

from spherical_gae import VonMisesFisher, confidence_cone, fit_standard_errors, rayleigh_test
from spherical_gae.plotting import plot_sphere

declination = np.radians([343.2, 62.0, 36.9, 27.0, 359.0, 5.7, 50.4, 357.6, 44.0])
inclination = np.radians([66.1, 68.7, 70.1, 82.1, 79.5, 73.0, 69.3, 58.8, 51.4])
directions = np.stack(
    [
        np.cos(inclination) * np.cos(declination),
        np.cos(inclination) * np.sin(declination),
        np.sin(inclination),
    ],
    axis=1,
)

# %%
# Are they uniform? No. Then the fit: mean direction, concentration, and how sure both are.

print(f"p-value of uniformity: {float(rayleigh_test(directions).p_value):.1e}")
fitted = VonMisesFisher.fit(directions)
errors = fit_standard_errors(fitted, len(directions))
cone = confidence_cone(fitted, len(directions), level=0.95)
print(f"concentration {float(fitted.concentration):.2f} ± {float(errors.concentration):.2f}")
print(f"95% cone about the mean direction: {np.degrees(float(cone)):.1f} degrees")

# %%
# The same by SciPy.

loc, concentration = vonmises_fisher.fit(directions)
print(f"SciPy's concentration {concentration:.2f}, cosine between the mean directions {loc @ fitted.loc.numpy():.6f}")

# %%
# Data, and 500 draws of what was fitted.

drawn = fitted.sample((500,)).numpy()
points = np.concatenate([drawn, directions])
ax = plt.figure(figsize=(8, 4.4), layout="constrained").add_subplot(projection="hammer")
plot_sphere(points, np.repeat([0, 1], [500, 9]), ax, names=["drawn", "measured"])
