"""Rows of the table of diagnostics: how channels vary, together and apart."""

from __future__ import annotations

import torch

from gramstyle.diagnose import activation, correlation, energy, noise, spectrum
from gramstyle.diagnose.diagnostic import DERIVED, row

CORRELATION = (
    row(
        "mean_absolute_correlation",
        "moments",
        "mean of |S_ij| / sqrt(S_ii S_jj) over i != j, dead channels left out",
        "0 to 1",
        "Pearson",
        lambda at: at.correlation,
    ),
    row(
        "correlation_bias",
        "moments",
        "sqrt(2 / (pi P)), the mean |r| of independent channels at independent positions",
        "0 to 0.80",
        "E|z| of a Gaussian",
        lambda at: torch.full_like(at.correlation, correlation.correlation_bias(at.positions)),
    ),
    row(
        "shuffled_correlation",
        "features",
        "mean |r| after each channel's positions were shuffled on their own",
        "0 to 1",
        "permutation null",
        lambda at: at.shuffled,
    ),
    row(
        "shifted_correlation",
        "features",
        "mean |r| after each channel was shifted on its own, around the edges",
        "0 to 1",
        "random-shift null, which keeps channels smooth",
        lambda at: at.shifted,
    ),
    row(
        "excess_correlation",
        "features",
        "mean_absolute_correlation - shuffled_correlation",
        "-1 to 1",
        DERIVED,
        lambda at: at.correlation - at.shuffled,
    ),
    row(
        "off_diagonal_energy",
        "gram",
        "1 - sum G_ii^2 / |G|_F^2",
        "0 to 1 - 1/C",
        DERIVED,
        lambda at: correlation.off_diagonal_energy(at.gram),
    ),
    row(
        "mean_direction_share",
        "moments",
        "|mu|^2 / (|mu|^2 + tr S): share of the Gram's trace in the mean's rank-one part",
        "0 to 1",
        DERIVED,
        lambda at: correlation.mean_direction_share(at.covariance, at.mean),
    ),
)

SPECTRUM = (
    row(
        "participation_ratio",
        "moments",
        "(sum l)^2 / sum l^2, l the eigenvalues of S",
        "1 to C",
        "Litwin-Kumar et al. 2017",
        lambda at: spectrum.participation_ratio(at.eigenvalues),
    ),
    row(
        "corrected_participation_ratio",
        "features",
        "the same with tr S^2 less (tr S)^2 / N_eff, what sampling adds to it",
        "from 0; none where sampling explains all",
        "Srivastava 2005, with N_eff for n",
        lambda at: noise.corrected_participation_ratio(at.covariance, at.effective_positions.covariances),
    ),
    row(
        "effective_rank",
        "moments",
        "exp(-sum p ln p), p = l / sum l",
        "1 to C",
        "Roy and Vetterli 2007, on eigenvalues",
        lambda at: spectrum.effective_rank(at.eigenvalues),
    ),
    row(
        "effective_rank_singular",
        "moments",
        "exp(-sum p ln p), p = sqrt(l) / sum sqrt(l)",
        "1 to C",
        "Roy and Vetterli 2007, on singular values of centred features",
        lambda at: spectrum.effective_rank_singular(at.eigenvalues),
    ),
    row(
        "stable_rank",
        "moments",
        "sum l / l_1",
        "1 to C",
        "Rudelson and Vershynin 2007",
        lambda at: spectrum.stable_rank(at.eigenvalues),
    ),
    row(
        "spectral_entropy",
        "moments",
        "-sum p ln p / ln C, p = l / sum l",
        "0 to 1",
        "Shannon entropy",
        lambda at: spectrum.spectral_entropy(at.eigenvalues),
    ),
    row(
        "power_law",
        "moments",
        "a of l_k ~ k^-a, least squares in log-log over k = 11 ... min(C, P) / 4",
        "from 0; none where min(C, P) < 88",
        "Agrawal et al. 2022 (alpha-ReQ)",
        lambda at: spectrum.power_law(at.eigenvalues, at.positions),
    ),
)

ENERGY = (
    row(
        "top5_share",
        "gram",
        "share of the trace of G in its 5 largest diagonal entries",
        "0 to 1",
        DERIVED,
        lambda at: energy.top_share(at.energies, 5),
    ),
    row(
        "top_percent_share",
        "gram",
        "share of the trace of G in the largest 1 % of its diagonal, at least one entry",
        "0 to 1",
        DERIVED,
        lambda at: energy.top_percent(at.energies),
    ),
    row(
        "energy_gini",
        "gram",
        "Gini index of the diagonal of G",
        "0 to 1 - 1/C",
        "Hurley and Rickard 2009",
        lambda at: activation.gini(at.energies),
    ),
    row(
        "dead_share",
        "moments",
        "share of channels with sqrt(S_ii) <= 1e-6 of their or of the tap's root mean square",
        "0 to 1",
        "counting",
        lambda at: energy.constant_share(at.covariance, at.mean),
    ),
    row(
        "near_constant_share",
        "moments",
        "the same with 1e-2",
        "0 to 1",
        "counting",
        lambda at: energy.constant_share(at.covariance, at.mean, energy.NEAR_CONSTANT),
    ),
)
