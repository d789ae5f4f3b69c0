package dev.libretto.cli;

import dev.libretto.plot.PerplexityPlot;
import dev.libretto.run.AtomicWrite;
import dev.libretto.run.LearningCurve;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** {@code libretto plot}: draws the perplexity of one run or several, to compare them. */
final class PlotCommand implements Command {
    static final Flag<Path> OUT = Flag.path("out", "FILE", "picture to write, FILE.png or FILE.svg");
    static final Flag<Boolean> OVERWRITE = Flag.toggle("overwrite", "replace FILE");
    static final Flag<String> TITLE = Flag.text("title", "what stands above the picture (default perplexity)");

    @Override
    public String name() {
        return "plot";
    }

    @Override
    public String summary() {
        return "draw the perplexity of runs in one picture";
    }

    @Override
    public List<Flag<?>> flags() {
        return List.of(OUT, TITLE, OVERWRITE);
    }

    @Override
    public String operands() {
        return "RUN...";
    }

    @Override
    public List<String> examples() {
        return List.of("plot runs/latest --out lyrics.png", "plot runs/rnn runs/lstm --out compared.svg --title 比较");
    }

    @Override
    public int run(Arguments arguments, Console console) throws Exception {
        List<Path> runs = arguments.operands();
        Path out = arguments.get(OUT);
        String title = arguments.has(TITLE) ? arguments.get(TITLE) : "perplexity";
        boolean overwrite = arguments.get(OVERWRITE);
        if (runs.isEmpty()) {
            throw new UsageException("there is no run to draw; name one or several, such as runs/latest");
        }
        if (out == null) {
            throw new UsageException("there is no file to write; add --out FILE.png or --out FILE.svg");
        }
        String extension = extension(OUT, out);
        AtomicWrite.requireWritable(overwrite, out);
        List<LearningCurve> curves = new ArrayList<>();
        for (Path run : runs) {
            LearningCurve curve = LearningCurve.read(run);
            if (curve.epochs().isEmpty()) {
                console.warn(run + " has no finished epoch, so it leaves no line");
            }
            curves.add(curve);
        }
        AtomicWrite.file(out, new PerplexityPlot(title, curves).encode(extension));
        console.note("the picture is in %s%n", out);
        return 0;
    }

    /**
     * Which kind of picture a file is to hold, {@code png} or {@code svg}.
     *
     * @param flag the option that names it
     */
    static String extension(Flag<Path> flag, Path file) throws UsageException {
        String extension = file.toString().toLowerCase(Locale.ROOT).replaceFirst(".*\\.", "");
        if (!List.of("png", "svg").contains(extension)) {
            throw new UsageException("--" + flag.name() + " is \"" + file + "\"; it must end in .png or .svg");
        }
        return extension;
    }
}
