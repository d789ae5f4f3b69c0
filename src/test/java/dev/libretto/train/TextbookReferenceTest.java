package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.libretto.model.Initializers;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.Checkpoint;
import dev.libretto.run.RunConfig;
import dev.libretto.run.RunConfig.CorpusInfo;
import dev.libretto.run.TrainConfig;
import dev.libretto.text.Batch;
import dev.libretto.text.Batches;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The textbook run's first 50 batches of the built-in lyrics, held to the losses of Keras from the same first weights. They
 * come in stretches of ten, each from the weights of another seed: at learning rate 100, a difference in the weights' last
 * bit has grown to more than the tolerance after 13 to 23 batches, so that no two programs could agree for longer.
 */
@Tag("numeric")
class TextbookReferenceTest {
    @Test
    void theFirstFiftyLossesAreThoseOfKeras() throws IOException {
        JsonNode fixture;
        try (InputStream input = getClass().getResourceAsStream("/reference/textbook-keras.json")) {
            fixture = new ObjectMapper().readTree(input);
        }
        JsonNode expected = fixture.get("losses");
        int stretch = fixture.get("stretch").asInt();
        assertThat(expected).hasSize(50);

        CorpusOptions options = CorpusOptions.WHOLE_TEXT.withMaxChars(CorpusOptions.DEFAULT_MAX_CHARS);
        Corpus corpus = Corpus.builtIn(options);
        Vocabulary vocabulary = Vocabulary.of(corpus);
        TrainConfig training = TrainConfig.TEXTBOOK;
        ModelConfig model = new ModelConfig(
                ModelConfig.DEFAULT_CELL,
                vocabulary.size(),
                ModelConfig.DEFAULT_HIDDEN_SIZE,
                ModelConfig.DEFAULT_LAYERS);
        RunConfig config = new RunConfig(CorpusInfo.of(List.of(), options, corpus), model, training);
        Batches batches = new Batches(
                vocabulary.encode(corpus),
                training.batchSize(),
                training.seqLength(),
                training.sampling(),
                training.seed());
        for (int from = 0; from < expected.size(); from += stretch) {
            long seed = fixture.get("seeds").get(from / stretch).asLong();
            Checkpoint start = Checkpoint.start(config, Initializers.draw(LanguageModel.parameters(model), seed));
            try (TrainStep step = new TrainStep(config, start)) {
                for (int i = from; i < from + stretch; i++) {
                    Batch batch = batches.epoch(i / batches.count()).batch(i % batches.count());
                    double loss = step.run(batch, 100, i + 1).loss();
                    double keras = expected.get(i).asDouble();
                    assertThat(loss).as("batch %d", i).isCloseTo(keras, within(1e-4 * keras));
                }
            }
        }
    }
}
