/**
 * The run directory: everything that touches the disk once training has started.
 *
 * <pre>
 *     runs/latest                     a link to the run that was started last
 *     RUN/config.json                 corpus, model and training settings
 *     RUN/vocabulary.json             the characters in id order
 *     RUN/metrics.csv                 a row per epoch
 *     RUN/perplexity.png, .svg        the same as a picture
 *     RUN/checkpoints/step-00002000/  weights as a TensorFlow checkpoint, and how far training was
 * </pre>
 */
package dev.libretto.run;
