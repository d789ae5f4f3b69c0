package dev.libretto.train;

/**
 * Which text is held out to validate the model on.
 *
 * @param fraction the final fraction of the corpus to hold out; 0 for none
 * @param corpus a separate text to validate on instead; null for none
 * @param patience the number of epochs without a lower validation loss after which training ends; 0 for no limit
 */
public record ValidationConfig(double fraction, CorpusInfo corpus, int patience) {
    /** No validation. */
    public static final ValidationConfig NONE = new ValidationConfig(0, null, 0);

    /** @throws IllegalArgumentException if a value is out of range */
    public ValidationConfig {
        Require.belowOne("validation fraction", fraction);
        if (fraction > 0 && corpus != null) {
            throw new IllegalArgumentException("validation fraction and validation corpus are mutually exclusive");
        }
        Require.inRange("patience", patience, 0, TrainConfig.MAX_EPOCHS);
        if (patience > 0 && !(fraction > 0 || corpus != null)) {
            throw new IllegalArgumentException(
                    "patience is " + patience + ", but there is no validation; add a validation fraction or corpus");
        }
    }

    /** Returns whether there is validation. */
    public boolean wanted() {
        return fraction > 0 || corpus != null;
    }

    /** Returns a copy with the given patience. */
    public ValidationConfig withPatience(int newPatience) {
        return new ValidationConfig(fraction, corpus, newPatience);
    }

    /** Returns whether training ends here for lack of improvement. */
    public boolean isOutOfPatience(Progress progress) {
        return patience > 0
                && progress.validation() != null
                && progress.epoch() - progress.validation().lowestEpoch() >= patience;
    }
}
