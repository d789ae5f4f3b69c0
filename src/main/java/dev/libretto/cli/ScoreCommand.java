package dev.libretto.cli;

import dev.libretto.CharModel;
import dev.libretto.device.Devices.Choice;
import dev.libretto.run.RunDirectory;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Documents;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;

/** {@code libretto score}: prints how likely a trained model finds each line of a text. */
final class ScoreCommand {
    enum Format {
        TSV,
        JSONL
    }

    static final Flag<Path> RUN = Flag.path("run", "DIR", "run to score with (default the latest, runs/latest)");
    static final Flag<Path> CORPUS = Flag.path(
            "corpus", "FILE", "text whose lines are scored, or a directory of texts; repeat it to concatenate several");
    static final Flag<Boolean> CHARACTERS = Flag.toggle("characters", "print a row for each character instead");
    static final Flag<Integer> TOP = Flag.integer(
            "top", "with --characters: print the N likeliest other characters in each one's place", 3, 0, 1000);
    static final Flag<Format> FORMAT =
            Flag.oneOf("format", "tab-separated values with a header, or jsonl: one JSON object per row", Format.TSV);

    static final Command COMMAND = new Command(
            "score",
            "print how likely a trained model finds each line of a text",
            "",
            List.of(
                    RUN,
                    GenerateFlags.CHECKPOINT,
                    CORPUS,
                    EvaluateCommand.INCLUDE,
                    EvaluateCommand.MAX_CHARS,
                    EvaluateCommand.ENCODING,
                    EvaluateCommand.BAD_BYTES,
                    EvaluateCommand.MAX_BYTES,
                    CHARACTERS,
                    TOP,
                    FORMAT,
                    DeviceFlags.DEVICE,
                    DeviceFlags.PRECISION),
            List.of(
                    "score --corpus sentences.txt",
                    "score --corpus access.log.gz --format jsonl",
                    "score --corpus letter.txt --characters --top 5"),
            ScoreCommand::run);

    private ScoreCommand() {}

    private static int run(Arguments arguments, Console console) throws Exception {
        boolean isEach = arguments.get(CHARACTERS);
        int top = arguments.get(TOP);
        boolean isJson = arguments.get(FORMAT) == Format.JSONL;
        if (arguments.has(TOP) && !isEach) {
            throw new UsageException("--top has no effect without --characters; add --characters, or remove it");
        }
        List<Path> files = arguments.getAll(CORPUS);
        if (files.isEmpty()) {
            throw new UsageException("missing text to score; add --corpus FILE");
        }
        UnaryOperator<CorpusOptions> reading = EvaluateCommand.reading(arguments);
        RunDirectory run = RunDirectory.open(console.runPath(arguments.get(RUN)));
        CorpusOptions options = reading.apply(run.config().corpus().options())
                .withKeepNewlines(true)
                .withDocuments(Documents.NONE);
        Corpus corpus = CorpusLoader.load(files, options, console);
        Choice device = DeviceFlags.choose(arguments, console);
        try (CharModel model = CharModel.open(run, arguments.get(GenerateFlags.CHECKPOINT), device, console::warn);
                WorkBar bar = console.workBar("scoring")) {
            ScoreWriter writer = new ScoreWriter(console.out(), model.vocabulary(), isJson, isEach, top);
            long[] done = new long[1];
            model.score(corpus.lines(), isEach ? top : 0, score -> {
                writer.write(score);
                done[0] += score.characters().size() + 1;
                bar.at(done[0], corpus.length(), () -> " characters");
            });
        }
        return 0;
    }
}
