package dev.libretto.cli;

import dev.libretto.plot.PerplexityPlot;
import dev.libretto.run.AtomicWrite;
import dev.libretto.run.LearningCurve;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** {@code libretto plot}: draws the perplexity of one or more runs. */
final class PlotCommand {
    static final Flag<Path> OUT = Flag.path("out", "FILE", "picture to write, FILE.png or FILE.svg");
    static final Flag<Boolean> OVERWRITE = Flag.toggle("overwrite", "replace an existing picture");
    static final Flag<String> TITLE = Flag.text("title", "title of the picture (default perplexity)");

    static final Command COMMAND = new Command(
            "plot",
            "draw the perplexity of one or more runs",
            "RUN...",
            List.of(OUT, TITLE, OVERWRITE),
            List.of("plot runs/latest --out lyrics.png", "plot runs/rnn runs/lstm --out compared.svg --title 比较"),
            PlotCommand::run);

    private PlotCommand() {}

    private static int run(Arguments arguments, Console console) throws Exception {
        List<Path> runs = arguments.operands();
        Path out = arguments.get(OUT);
        String title = arguments.has(TITLE) ? arguments.get(TITLE) : "perplexity";
        boolean overwrite = arguments.get(OVERWRITE);
        if (runs.isEmpty()) {
            throw new UsageException("missing run; name one or more, such as runs/latest");
        }
        if (out == null) {
            throw new UsageException("missing output file; add --out FILE.png or --out FILE.svg");
        }
        String extension = extension(OUT, out);
        AtomicWrite.requireWritable(overwrite, out);
        List<LearningCurve> curves = new ArrayList<>();
        for (Path run : runs) {
            LearningCurve curve = LearningCurve.read(run);
            if (curve.epochs().isEmpty()) {
                console.warn(run + " has no finished epoch; its curve is empty");
            }
            curves.add(curve);
        }
        AtomicWrite.file(out, new PerplexityPlot(title, curves).encode(extension));
        console.note("wrote %s%n", out);
        return 0;
    }

    /** Returns the extension of the picture that an option names, {@code png} or {@code svg}. */
    static String extension(Flag<Path> flag, Path file) throws UsageException {
        String extension = file.toString().toLowerCase(Locale.ROOT).replaceFirst(".*\\.", "");
        if (!List.of("png", "svg").contains(extension)) {
            throw new UsageException(
                    "--" + flag.name() + " must end in .png or .svg (got " + Shell.quote(file.toString()) + ")");
        }
        return extension;
    }
}
