package dev.libretto.cli;

import dev.libretto.device.NativeLog;
import dev.libretto.export.Description;
import dev.libretto.export.Layout;
import dev.libretto.export.PortableModel;
import dev.libretto.export.WeightsFormat;
import dev.libretto.model.Weights;
import dev.libretto.run.RunDirectory;
import java.nio.file.Path;
import java.util.List;

/** {@code libretto export}: writes a trained model's weights for Keras or PyTorch. */
final class ExportCommand implements Command {
    static final Flag<Path> RUN = Flag.path("run", "DIR", "run to export (default the latest, runs/latest)");
    static final Flag<WeightsFormat> FORMAT = Flag.oneOf("format", "format of the file", WeightsFormat.SAFETENSORS);
    static final Flag<Layout> LAYOUT =
            Flag.oneOf("layout", "whose names, shapes and gate order the weights get", Layout.PYTORCH);
    static final Flag<Path> OUT =
            Flag.path("out", "FILE", "file to write; FILE.json beside it describes the model and has its vocabulary");
    static final Flag<Boolean> OVERWRITE = Flag.toggle("overwrite", "replace FILE and FILE.json");

    @Override
    public String name() {
        return "export";
    }

    @Override
    public String summary() {
        return "write a model's weights for Keras or PyTorch";
    }

    @Override
    public List<Flag<?>> flags() {
        return List.of(RUN, FORMAT, LAYOUT, OUT, OVERWRITE);
    }

    @Override
    public List<String> examples() {
        return List.of(
                "export --out lyrics.safetensors",
                "export --run runs/latest --format npz --layout keras --out lyrics.npz");
    }

    @Override
    public int run(Arguments arguments, Console console) throws Exception {
        WeightsFormat format = arguments.get(FORMAT);
        Layout layout = arguments.get(LAYOUT);
        boolean overwrite = arguments.get(OVERWRITE);
        Path out = arguments.get(OUT);
        Path named = arguments.get(RUN);
        if (out == null) {
            throw new UsageException("there is no file to write; add --out FILE");
        }
        PortableModel.requireUsable(out, overwrite);
        RunDirectory run = RunDirectory.open(console.runPath(named));
        NativeLog.passOverFirstRun();
        Weights weights = run.newest(console::warn).weights();
        Description description = new Description(
                layout,
                run.config().model(),
                run.config().corpus().keepNewlines(),
                run.vocabulary().symbols());
        new PortableModel(description, weights).write(out, format, overwrite);
        console.note(
                "%,d parameters are in %s, in the %s layout; %s describes the model%n",
                weights.count(), out, layout, Description.beside(out));
        return 0;
    }
}
