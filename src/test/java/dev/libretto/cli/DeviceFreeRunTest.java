package dev.libretto.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedModel;

/** Runs and exported models store no device and no precision, so that any device can use them. */
class DeviceFreeRunTest {
    private static final String TRAIN =
            "train --hidden-size 4 --seq-length 10 --batch-size 4 --max-chars 500 --epochs 1"
                    + " --length 1 --optimizer adam --device cpu --precision float32 --run ";

    @TempDir
    private Path folder;

    private void run(String line) {
        CliResult result = CliResult.of(folder.resolve("runs"), line.split(" "));
        assertThat(result.exitCode()).as(result.err()).isZero();
    }

    @Test
    void runFilesDoNotNameADevice() throws IOException {
        run(TRAIN + folder.resolve("run"));
        try (Stream<Path> files = Files.walk(folder.resolve("run"))) {
            List<Path> all = files.filter(Files::isRegularFile).toList();
            assertThat(all)
                    .extracting(Path::getFileName)
                    .extracting(Path::toString)
                    .contains("config.json", "progress.json");
            for (Path file : all) {
                assertThat(Files.readString(file, ISO_8859_1))
                        .as(file.toString())
                        .doesNotContainIgnoringCase("device:")
                        .doesNotContain("\"device\"", "precision", "/job:");
            }
        }
    }

    @Test
    void runResumesWithAnotherDeviceAndPrecision() {
        Path path = folder.resolve("run");
        run(TRAIN + path);
        run("train --epochs 2 --device auto --resume " + path);
        run("train --epochs 3 --device cpu --precision float32 --resume " + path);
        assertThat(path.resolve("metrics.csv")).content().hasLineCount(4);
    }

    @Test
    void savedModelOperationsHaveNoDevice() throws IOException {
        run(TRAIN + folder.resolve("run"));
        run("export --format savedmodel --run " + folder.resolve("run") + " --out " + folder.resolve("model"));
        SavedModel model = SavedModel.parseFrom(Files.readAllBytes(folder.resolve("model/saved_model.pb")));
        GraphDef graph = model.getMetaGraphs(0).getGraphDef();
        List<NodeDef> nodes = Stream.concat(
                        graph.getNodeList().stream(),
                        graph.getLibrary().getFunctionList().stream()
                                .flatMap(function -> function.getNodeDefList().stream()))
                .toList();
        assertThat(nodes).hasSizeGreaterThan(100).extracting(NodeDef::getDevice).containsOnly("");
    }
}
