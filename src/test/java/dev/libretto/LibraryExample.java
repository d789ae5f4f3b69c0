package dev.libretto;

import dev.libretto.generate.Sampler;
import dev.libretto.model.CellType;
import dev.libretto.text.Corpus;
import dev.libretto.train.Optimizer;
import java.io.IOException;
import java.nio.file.Path;

/** The example in docs/library.md. */
final class LibraryExample {
    private LibraryExample() {}

    static void trainAndWrite(Path novel) throws IOException {
        Corpus corpus = Corpus.read(novel);
        Training training = Training.builder()
                .cell(CellType.GRU)
                .hiddenSize(64)
                .optimizer(Optimizer.adam(0.01))
                .epochs(10)
                .validationFraction(0.1)
                .onEpoch(epoch -> System.out.println(epoch.epoch() + " " + epoch.validationPerplexity()))
                .build();
        try (CharModel model = training.fit(corpus)) {
            System.out.println(model.write("Once upon", 200, Sampler.temperature(0.8)));
        }
    }
}
