package dev.libretto.cli;

import dev.libretto.CharModel;
import dev.libretto.device.Devices.Choice;
import dev.libretto.export.NamedArray;
import dev.libretto.export.Npy;
import dev.libretto.run.AtomicWrite;
import dev.libretto.run.RunDirectory;
import dev.libretto.serve.InspectedText;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** {@code libretto inspect}: shows what a model computes while it reads a text, as a web page. */
final class InspectCommand {
    /** The most values of the states: a page of 20 MiB. */
    private static final int MAX_VALUES = 1 << 24;

    static final Flag<Path> RUN = Flag.path("run", "DIR", "run to read with (default the latest, runs/latest)");
    static final Flag<Path> TEXT =
            Flag.path("text", "FILE", "file whose whole text is read, without its last line end; - for stdin");
    static final Flag<Path> OUT = Flag.path("out", "FILE", "web page to write, FILE.html; it needs no other file");
    static final Flag<Path> STATES = Flag.path(
            "states", "DIR", "directory to write the states to, a NumPy file (.npy) for each array of each layer");
    static final Flag<Boolean> OVERWRITE = Flag.toggle("overwrite", "replace an existing page or directory");

    static final Command COMMAND = new Command(
            "inspect",
            "show what a trained model computes while it reads a text",
            "",
            List.of(
                    RUN,
                    GenerateFlags.CHECKPOINT,
                    TEXT,
                    OUT,
                    STATES,
                    OVERWRITE,
                    DeviceFlags.DEVICE,
                    DeviceFlags.PRECISION),
            List.of(
                    "inspect --text chapter.txt --out chapter.html",
                    "inspect --run runs/latest --text - --states states"),
            InspectCommand::run);

    private InspectCommand() {}

    private static int run(Arguments arguments, Console console) throws Exception {
        Path file = arguments.get(TEXT);
        Path out = arguments.get(OUT);
        Path states = arguments.get(STATES);
        boolean overwrite = arguments.get(OVERWRITE);
        if (file == null) {
            throw new UsageException("missing text to read; add --text FILE");
        }
        if (out == null && states == null) {
            throw new UsageException("missing output; add --out FILE.html, --states DIR, or both");
        }
        if (out != null) {
            if (!out.toString().endsWith(".html")) {
                throw new UsageException("--out must end in .html (got " + Shell.quote(out.toString()) + ")");
            }
            AtomicWrite.requireWritable(overwrite, out);
        }
        if (states != null) {
            AtomicWrite.requireWritableDirectory(overwrite, states, InspectCommand::isArray);
        }
        RunDirectory run = RunDirectory.open(console.runPath(arguments.get(RUN)));
        String text = Prefixes.text(file, console);
        Choice device = DeviceFlags.choose(arguments, console);
        try (CharModel model = CharModel.open(run, arguments.get(GenerateFlags.CHECKPOINT), device, console::warn)) {
            InspectedText inspected = InspectedText.of(
                    model, String.valueOf(run.path().toRealPath().getFileName()), text, MAX_VALUES);
            long unknown = inspected.unknown();
            if (unknown > 0) {
                console.warn(String.format(
                        Locale.ROOT, "skipped %,d unknown %s", unknown, unknown == 1 ? "character" : "characters"));
            }
            if (out != null) {
                AtomicWrite.file(out, inspected.html());
                console.note("wrote %s; open it in a browser%n", out);
            }
            if (states != null) {
                List<NamedArray> arrays = inspected.states();
                AtomicWrite.directory(
                        overwrite, states, InspectCommand::isArray, temporary -> write(arrays, temporary));
                console.note(
                        "wrote %s to %s, each %s%n",
                        arrays.stream().map(array -> array.name() + ".npy").collect(Collectors.joining(", ")),
                        states,
                        arrays.get(0).shape());
            }
        }
        return 0;
    }

    private static boolean isArray(String file) {
        return file.matches("layer_\\d+_[a-z]\\.npy");
    }

    private static void write(List<NamedArray> arrays, Path directory) throws IOException {
        for (NamedArray array : arrays) {
            try (OutputStream out =
                    new BufferedOutputStream(Files.newOutputStream(directory.resolve(array.name() + ".npy")))) {
                Npy.write(array, out);
            }
        }
    }
}
