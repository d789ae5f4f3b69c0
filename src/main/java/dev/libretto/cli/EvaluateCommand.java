package dev.libretto.cli;

import dev.libretto.device.NativeLog;
import dev.libretto.run.RunDirectory;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Ids;
import dev.libretto.train.Evaluation;
import dev.libretto.train.Evaluator;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** {@code libretto evaluate}: how well a trained model predicts a text. */
final class EvaluateCommand implements Command {
    static final Flag<Path> RUN = Flag.path("run", "DIR", "run to evaluate (default the latest, runs/latest)");
    static final Flag<Path> CORPUS = Flag.path("corpus", "FILE", "text to predict: plain, .txt.gz or .txt.zip");
    static final Flag<Integer> MAX_CHARS = Flag.integer(
            "max-chars", "characters to use from the start of the text, 0 for all", 0, 0, Integer.MAX_VALUE);
    static final Flag<Long> MAX_BYTES = TrainFlags.MAX_BYTES;
    static final Flag<Charset> ENCODING = TrainFlags.ENCODING;

    @Override
    public String name() {
        return "evaluate";
    }

    @Override
    public String summary() {
        return "measure how well a trained model predicts a text";
    }

    @Override
    public List<Flag<?>> flags() {
        return List.of(RUN, CORPUS, MAX_CHARS, ENCODING, MAX_BYTES, DeviceFlags.DEVICE, DeviceFlags.PRECISION);
    }

    @Override
    public List<String> examples() {
        return List.of(
                "evaluate --corpus other.txt", "evaluate --run runs/latest --corpus other.txt.gz --max-chars 100000");
    }

    @Override
    public int run(Arguments arguments, Console console) throws Exception {
        int maxChars = arguments.get(MAX_CHARS);
        long maxBytes = arguments.get(MAX_BYTES);
        Charset encoding = arguments.get(ENCODING);
        Path file = arguments.get(CORPUS);
        Path named = arguments.get(RUN);
        if (file == null) {
            throw new UsageException("there is no text to evaluate on; add --corpus FILE");
        }
        RunDirectory run = RunDirectory.open(console.runPath(named));
        CorpusOptions options =
                new CorpusOptions(maxChars, run.config().corpus().keepNewlines(), encoding, maxBytes);
        Corpus corpus = Corpus.read(file, options);
        Ids ids = run.vocabulary().encodeKnown(corpus);
        DeviceFlags.useQuietly(arguments, console);
        NativeLog.passOverFirstRun();
        try (Evaluator evaluator =
                new Evaluator(run.config().model(), run.newest(console::warn).weights())) {
            Evaluation evaluation = evaluator.evaluate(ids);
            console.out()
                    .printf(
                            Locale.ROOT,
                            """
                            characters predicted: %d
                            characters outside the vocabulary, left out: %d
                            loss: %f nats per character
                            perplexity: %f
                            bits per character: %f
                            """,
                            evaluation.characters(),
                            corpus.length() - 1 - evaluation.characters(),
                            evaluation.loss(),
                            evaluation.perplexity(),
                            evaluation.bitsPerCharacter());
        }
        return 0;
    }
}
