package dev.libretto;

import dev.libretto.export.ExportFormat;
import dev.libretto.generate.Sampler;
import dev.libretto.model.CellType;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.train.Optimizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The code in docs/library.md. */
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

    /** What the page's table has. */
    static void rows(
            Training.Builder builder,
            Training training,
            Corpus corpus,
            CharModel model,
            String prefix,
            Sampler sampler,
            long seed,
            boolean stopped,
            Path file)
            throws IOException {
        training.fit(corpus, Path.of("runs/novel"));
        CharModel.open(Path.of("runs/novel"));
        model.write(prefix, 200, sampler, seed, System.out::print);
        Sampler.temperature(0.8).withTopP(0.9);
        Sampler.GREEDY.adjusted().withNoRepeat(8);
        model.search(prefix, 200, 8);
        model.score(List.of("one line", "another")).get(0).bitsPerCharacter();
        model.evaluate(Corpus.read(file)).bitsPerCharacter();
        model.export(ExportFormat.ONNX, Path.of("novel.onnx"));
        Corpus.read(file, CorpusOptions.WHOLE_TEXT.withMaxChars(100_000));
        builder.stopWhen(() -> stopped);
    }
}
