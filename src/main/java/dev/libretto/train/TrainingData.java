package dev.libretto.train;

import dev.libretto.text.Batches;
import dev.libretto.text.Corpus;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;

/**
 * A corpus split into training and validation text. Documents are not divided.
 *
 * @param batches the batches to train on
 * @param heldOut the held-out text; empty without validation
 */
public record TrainingData(Batches batches, Ids heldOut) {
    /**
     * Splits a corpus.
     *
     * @param validation a separate text to validate on, of which unknown characters are skipped; null to hold out the last
     *     {@link ValidationConfig#fraction} of the corpus
     * @throws IllegalArgumentException if the text is too short to train or to validate on
     */
    public static TrainingData of(TrainConfig config, Vocabulary vocabulary, Corpus corpus, Corpus validation) {
        Ids ids = vocabulary.encode(corpus);
        long start = ids.length() - Math.round(config.validation().fraction() * ids.length());
        long end = start;
        if (vocabulary.hasEnd()) {
            start = ids.find(vocabulary.size() - 1, start);
            // The end of the last document to train on is also where the first one held out begins.
            end = Math.min(start + 1, ids.length());
        }
        Ids heldOut = validation == null ? ids.slice(start, ids.length()) : vocabulary.encodeKnown(validation);
        if (config.validation().wanted() && heldOut.length() < 2) {
            throw new IllegalArgumentException("the text to validate on has " + heldOut.length()
                    + " characters; it needs at least 2: use a larger validation fraction or another text");
        }
        Batches batches = new Batches(
                ids.slice(0, end), config.batchSize(), config.seqLength(), config.sampling(), config.seed());
        return new TrainingData(batches, heldOut);
    }
}
