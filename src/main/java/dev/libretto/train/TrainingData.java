package dev.libretto.train;

import dev.libretto.text.Batches;
import dev.libretto.text.Corpus;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;

/**
 * What a corpus gives to train and to validate on.
 *
 * @param batches the text to learn from, cut into batches
 * @param heldOut the text to validate on; empty without validation
 */
public record TrainingData(Batches batches, Ids heldOut) {
    /**
     * Splits a corpus.
     *
     * @param validation another text to validate on, without the characters that the model does not know; null to hold out the
     *     end of the corpus, as much as {@link ValidationConfig#fraction} says
     * @throws IllegalArgumentException if the text is too short for a batch, or to validate on
     */
    public static TrainingData of(TrainConfig config, Vocabulary vocabulary, Corpus corpus, Corpus validation) {
        Ids ids = vocabulary.encode(corpus);
        long length = ids.length() - Math.round(config.validation().fraction() * ids.length());
        Ids heldOut = validation == null ? ids.slice(length, ids.length()) : vocabulary.encodeKnown(validation);
        if (config.validation().wanted() && heldOut.length() < 2) {
            throw new IllegalArgumentException("the text to validate on has " + heldOut.length()
                    + " characters; it needs at least 2: use a larger validation fraction or another text");
        }
        Batches batches = new Batches(
                ids.slice(0, length), config.batchSize(), config.seqLength(), config.sampling(), config.seed());
        return new TrainingData(batches, heldOut);
    }
}
