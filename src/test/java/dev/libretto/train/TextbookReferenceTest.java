package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.libretto.Rounding;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.run.RunConfig;
import dev.libretto.text.Batches;
import dev.libretto.text.Batches.Batch;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.TrainStep.StepMetrics;
import java.io.IOException;
import java.io.InputStream;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.tensorflow.ndarray.Shape;

/**
 * Compares the first 50 batches of the textbook's run with losses and gradient norms of Keras in float64. The batches come in
 * pairs, each from newly drawn weights: a training step, then the next batch. Longer sequences cannot be compared: at learning
 * rate 100, a difference in the weights' last bit outgrows any useful tolerance after 13 to 23 steps.
 */
@Tag("numeric")
class TextbookReferenceTest {
    private static final double BIAS_LIMIT = 0.1;

    @Test
    void lossesAndGradientNormsMatchKeras() throws IOException {
        JsonNode fixture;
        try (InputStream input = getClass().getResourceAsStream("/reference/textbook-keras.json")) {
            fixture = new ObjectMapper().readTree(input);
        }
        JsonNode losses = fixture.get("losses");
        JsonNode norms = fixture.get("gradient_norms");
        assertThat(losses).hasSize(50);
        assertThat(norms).hasSize(50);

        CorpusOptions options = CorpusOptions.WHOLE_TEXT.withMaxChars(CorpusOptions.DEFAULT_MAX_CHARS);
        Corpus corpus = Corpus.builtIn(options);
        Vocabulary vocabulary = Vocabulary.of(corpus);
        TrainConfig training = TrainConfig.TEXTBOOK;
        ModelConfig model = new ModelConfig(
                ModelConfig.DEFAULT_CELL,
                vocabulary.size(),
                ModelConfig.DEFAULT_HIDDEN_SIZE,
                ModelConfig.DEFAULT_LAYERS);
        RunConfig config = new RunConfig(CorpusInfo.of(corpus), model, training);
        Batches batches = new Batches(
                vocabulary.encode(corpus),
                training.batchSize(),
                training.seqLength(),
                training.sampling(),
                training.seed());
        double learningRate = training.optimizer().learningRate().rate();
        double lossError = Rounding.ofLoss(model, training.seqLength(), training.batchSize());
        double gradientError = Rounding.ofGradients(model, training.seqLength(), training.batchSize());
        // A clipped step has this length for any gradient, so its error is this times the gradient's relative error.
        double stepError = learningRate * training.optimizer().clipping().limit() * gradientError;

        try (TrainStep step = new TrainStep(
                config.model(),
                config.training(),
                Checkpoint.start(config.model(), config.training(), weights(model, 1)))) {
            for (int i = 0; i < 50; i++) {
                boolean isAfterStep = i % 2 == 1;
                if (!isAfterStep) {
                    step.restore(Checkpoint.start(config.model(), config.training(), weights(model, i / 2 + 1)));
                }
                Batch batch = batches.epoch(i / batches.count()).batch(i % batches.count());
                StepMetrics metrics = step.run(batch, learningRate, i + 1);
                double loss = losses.get(i).asDouble();
                double norm = norms.get(i).asDouble();

                // An error in the weights changes the loss by at most the error times the gradient norm.
                double ofWeights = isAfterStep ? norm * stepError : 0;
                assertThat((double) metrics.loss())
                        .as("loss of batch %d", i)
                        .isCloseTo(loss, within(lossError * loss + ofWeights));
                assertThat((double) metrics.gradientNorm())
                        .as("gradient norm of batch %d", i)
                        .isCloseTo(norm, within(gradientError * norm));
            }
        }
    }

    /** Draws the same weights as textbook_reference.py: Glorot kernels and nonzero biases. */
    private static Weights weights(ModelConfig model, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        return new Weights(LanguageModel.parameters(model), parameter -> {
            Shape shape = parameter.shape();
            double limit = shape.numDimensions() == 2 ? Math.sqrt(6.0 / (shape.get(0) + shape.get(1))) : BIAS_LIMIT;
            float[] values = new float[parameter.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (limit * (2 * random.nextDouble() - 1));
            }
            return values;
        });
    }
}
