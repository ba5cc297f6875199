"""What every metric is, in plain words for tables and pages."""

from __future__ import annotations

from dataclasses import dataclass

from calovision.metrics.symmetry_definitions import symmetry_words


@dataclass(frozen=True)
class Meaning:
    """What a metric is.

    Attributes:
        label: short name for tables.
        text: one or two sentences for somebody new to the field.
        target: best value, where that is neither the largest nor the smallest.
        ratio: whether a ratio of two models' values says anything.
        good: what a good value is.
        source: where it is defined.
    """

    label: str
    text: str
    target: float | None = None
    ratio: bool = True
    good: str = ""
    source: str = ""

    @property
    def title(self) -> str:
        """The label with a capital first letter."""
        return self.label[:1].upper() + self.label[1:]

    @property
    def explanation(self) -> str:
        """Everything there is to say in one paragraph."""
        source = f"Source: {self.source}." if self.source else ""
        return " ".join(part for part in (self.text, self.good, source) if part)


#: metric, without its channel, to what it is
MEANINGS = {
    **{
        f"occupancy_{name}{suffix}": Meaning(f"{label}, {view}", text)
        for suffix, view in {
            "": "exact pixel",
            "_near": "within one pixel",
            "_energy": "weighted by energy",
        }.items()
        for name, label, text in (
            ("f1", "F1", "Harmonic mean of precision and recall."),
            ("precision", "precision", "Share of the reconstruction that is in the original."),
            ("recall", "recall", "Share of the original that is found."),
        )
    },
    "response": Meaning("response", "Mean of reconstructed over true energy.", 1.0, ratio=False),
    "resolution": Meaning("resolution", "Standard deviation of that ratio over jets."),
    "resolution68": Meaning("resolution, central 68 %", "The same, blind to rare outliers."),
    "emd": Meaning(
        "energy-mover distance",
        "The least work that turns the original's energy pattern into the reconstruction's.",
    ),
    "classifier_auc": Meaning(
        "AUC, trees on observables", "Trained to tell the two apart.", 0.5, False
    ),
    "classifier_auc_transformer": Meaning(
        "AUC, transformer on hits", "The same of our tagger, trained to tell them.", 0.5, False
    ),
    "classifier_auc_hits": Meaning("AUC, network on hits", "The same on the hits.", 0.5, False),
    "probe_auc": Meaning(
        "linear probe of the latent", "Quark against gluon from the code.", ratio=False
    ),
    "tagger_auc": Meaning("tagger on observables", "Quark against gluon by trees.", ratio=False),
    "ceiling": Meaning(
        "ceiling", "AUC of trees that are told the jet before pile-up and detector.", ratio=False
    ),
    "change": Meaning("change", "Difference to the nominal conditions.", ratio=False),
    "psnr": Meaning("PSNR", "Peak signal-to-noise ratio.", ratio=False),
    "ssim": Meaning("SSIM", "Structural similarity.", ratio=False),
    "auc": Meaning(
        "ROC AUC",
        "Take one signal and one background event at random: the chance that the tagger gives the "
        "signal the higher score. It does not depend on where one cuts.",
        ratio=False,
        good="0.5 is guessing, 1 is perfect. Quark and gluon jets overlap by nature, 0.81 was the "
        "best published on CMS images of them; so do electrons and converted photons.",
        source="Hanley and McNeil, Radiology 143 (1982) 29; CMS images: arXiv:1902.08276",
    ),
    "accuracy": Meaning(
        "accuracy",
        "Share of events on the right side of a probability of 0.5.",
        ratio=False,
        good="0.5 is guessing where both classes are equally frequent. Read the AUC first: the "
        "accuracy changes with the mixture of classes.",
    ),
    "rejection_30": Meaning(
        "rejection at 30 %",
        "Cut so that 30 % of the signal is kept; one in so many background events is kept too.",
        good="Guessing gives 3.3. This is what a search with a tight cut gains.",
        source="arXiv:1902.09914",
    ),
    "rejection_50": Meaning(
        "rejection at 50 %",
        "Cut so that half of the signal is kept; one in so many background events is kept too.",
        good="Guessing gives 2. A rejection of 8 means that 12.5 % of the background is left.",
        source="arXiv:1902.09914",
    ),
    "ece": Meaning(
        "calibration error",
        "Among events that are called signal with 70 %, are 70 % signal? The mean gap between the "
        "stated probability and the true fraction (expected calibration error), over 15 bins.",
        good="0 is perfect; up to 0.02 the score can be used as a probability.",
        source="arXiv:1706.04599",
    ),
    "jets_per_s": Meaning(
        "inference speed",
        "Jets scored per second from hits in memory to the score, building of batches included; "
        "of a generator, jets made per second.",
        good="One core of the simulation makes some hundred jets per second, so a few thousand "
        "keep up with it.",
    ),
    "crops_per_s": Meaning(
        "inference speed",
        "Crops scored per second from hits in memory to the score, building of batches included.",
        good="The parametrised simulation makes some hundred per second and core.",
    ),
    "sculpting": Meaning(
        "mass sculpting",
        "Does the cut change the mass spectrum of gluon jets? Jensen-Shannon divergence, in bits, "
        "between their spectrum after a cut that keeps half of the quark jets and before it.",
        good="0 is no change and 1 the largest possible; a cut at random gives the value beside "
        "it, because fewer jets scatter more. A tagger far above that selects by mass, and a "
        "bump it leaves in a spectrum is not yet a particle.",
        source="arXiv:1603.00027, arXiv:2001.05310",
    ),
    "out_of_distribution": Meaning(
        "out of distribution",
        "Share of events that the tagger reports as unlike those it was trained on.",
        good="A few per cent on jets of the training kind, 100 % on jets it cannot know, such as "
        "those of 500 GeV. A score without this warning is a guess dressed as a number.",
        source="arXiv:1807.03888",
    ),
    "occlusion": Meaning(
        "occlusion",
        "Hits of one layer and one ring around the centre are taken away and the jet is scored "
        "again; the change of the logit (the score before it becomes a probability) tells how "
        "much the tagger rests on them.",
        good="There is no good value; large changes show where it looks.",
        source="arXiv:1311.2901",
    ),
    "spearman": Meaning(
        "rank correlation",
        "Spearman's correlation between the ranks of the score and of an observable.",
        good="+1: the larger, the more quark-like; -1: the more gluon-like; 0: no trend. Gluon "
        "jets have more and softer particles and are wider, so multiplicity and girth should be "
        "negative, and pTD positive.",
        source="arXiv:1408.3122",
    ),
    "r2": Meaning(
        "R²",
        "Share of the score's scatter from jet to jet that boosted trees reproduce from the "
        "observables.",
        good="1: the tagger computes nothing but these observables; what is missing to 1 it has "
        "found beside them.",
    ),
    "importance": Meaning(
        "importance",
        "By how much R² falls when the values of one observable are shuffled among the jets.",
        good="Observables that say the same share their importance, so a small one can still "
        "matter.",
    ),
    "fpd": Meaning(
        "Fréchet physics distance",
        "How far apart the means and covariances of all observables are, for infinitely many jets "
        "(FPD).",
        good="The floor is what other simulated jets, as many, score; a few times that is good.",
        source="arXiv:2211.10295",
    ),
    "kpd": Meaning(
        "kernel physics distance",
        "The same with all moments of the observables up to the fourth (KPD).",
        ratio=False,
        good="Of equal distributions it scatters around 0.",
        source="arXiv:2211.10295",
    ),
    "tagger_auc_ratio": Meaning(
        "quality of a tagger trained on them",
        "Trees learn quark from gluon on generated jets and are tested on simulated ones; their "
        "AUC over that of trees trained on as many simulated jets.",
        1.0,
        ratio=False,
        good="1: whoever trains on generated jets loses nothing.",
    ),
    "memorised": Meaning(
        "share near a training jet",
        "Generated jets that lie nearer to a training jet, in all observables, than 99 % of "
        "other simulated jets do.",
        ratio=False,
        good="0.01 is chance; much more means that training jets are repeated.",
        source="arXiv:2004.05675",
    ),
    "copied": Meaning(
        "copies of training jets",
        "Generated jets that are a training jet, hit by hit.",
        ratio=False,
        good="0.",
    ),
    "w1_hit": Meaning("W1 of hit times", "Distance of the distributions of the times of hits."),
    "w1_mean": Meaning("W1 of the mean time", "Mean over the hits of an event."),
    "w1_spread": Meaning(
        "W1 of the spread in time", "Standard deviation over the hits of an event."
    ),
    "w1_hit_energy": Meaning("W1 of hit energy", "Distance of the hit energy spectra."),
    "w1_n_hit": Meaning("W1 of the number of hits", "Distance of the distributions."),
    "w1_sum_e": Meaning("W1 of summed energy", "Distance of the distributions."),
    "w1_max_e": Meaning("W1 of the largest hit", "Distance of the distributions."),
    "w1_girth": Meaning("W1 of girth", "Girth: energy-weighted mean distance to the axis."),
    "w1_ptd": Meaning("W1 of pTD", "pTD: how few hits carry the energy."),
    "w1_core": Meaning("W1 of the core share", "Share of the energy within 0.1 rad."),
    "w1_mass": Meaning("W1 of image mass", "Mass of the calorimeter hits."),
    "w1_pt": Meaning("W1 of image pT", "Transverse momentum of the calorimeter hits."),
    "w1_n_track": Meaning("W1 of track multiplicity", "Tracks within 0.4 rad of the axis."),
    "w1_column_m0": Meaning("W1 of jet mass m0", "Distance of the distributions."),
    "w1_column_pt": Meaning("W1 of jet pT", "Distance of the distributions."),
    "w1_profile_10": Meaning("W1 of energy within 0.1 rad", "Radial profile."),
    "w1_profile_20": Meaning("W1 of energy within 0.2 rad", "Radial profile."),
    "w1_profile_40": Meaning("W1 of energy within 0.4 rad", "Radial profile."),
    **{key: Meaning(*words, ratio=False) for key, words in symmetry_words().items()},
}
