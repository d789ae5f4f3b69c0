package dev.libretto.train;

/**
 * The text that is kept from training to see how well the model predicts what it has not learnt from.
 *
 * @param fraction the part of the corpus, from its end; 0 for none
 * @param corpus another text instead; null for none
 * @param patience after how many epochs without a lower validation loss training ends; 0 for never
 */
public record ValidationConfig(double fraction, CorpusInfo corpus, int patience) {
    /** No validation. */
    public static final ValidationConfig NONE = new ValidationConfig(0, null, 0);

    /** @throws IllegalArgumentException naming the value that is out of range */
    public ValidationConfig {
        Require.belowOne("validation fraction", fraction);
        if (fraction > 0 && corpus != null) {
            throw new IllegalArgumentException("there are a validation fraction and a validation corpus; choose one");
        }
        Require.inRange("patience", patience, 0, TrainConfig.MAX_EPOCHS);
        if (patience > 0 && !(fraction > 0 || corpus != null)) {
            throw new IllegalArgumentException("patience is " + patience
                    + ", but there is no validation; add --validation-fraction or --validation-corpus");
        }
    }

    /** Whether there is any. */
    public boolean wanted() {
        return fraction > 0 || corpus != null;
    }

    /** The same but for the patience. */
    public ValidationConfig withPatience(int newPatience) {
        return new ValidationConfig(fraction, corpus, newPatience);
    }

    /** Whether training ends here. */
    public boolean isOutOfPatience(Progress progress) {
        return patience > 0
                && progress.validation() != null
                && progress.epoch() - progress.validation().lowestEpoch() >= patience;
    }
}
