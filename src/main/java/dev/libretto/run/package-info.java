/**
 * The run directory on disk.
 *
 * <pre>
 *     runs/latest                     link to the run started last
 *     RUN/config.json                 corpus, model and training settings
 *     RUN/vocabulary.json             the characters in id order
 *     RUN/metrics.csv                 one row per epoch
 *     RUN/perplexity.png, .svg        plot of the perplexity
 *     RUN/checkpoints/step-00002000/  weights as a TensorFlow checkpoint, and the position of training
 * </pre>
 */
package dev.libretto.run;
