package dev.libretto.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.libretto.generate.AdjustedSampler;
import dev.libretto.generate.Margins;
import dev.libretto.generate.Sampler;
import dev.libretto.model.Weights;
import dev.libretto.run.RunDirectory;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.exceptions.TFResourceExhaustedException;

/** Runs the commands in this process. */
@Tag("numeric")
class MainTest {
    private static final String TEXT = "the quick brown fox jumps over the lazy dog. ".repeat(20);

    @TempDir
    private Path folder;

    private Path corpus;
    private String out;
    private String err;

    @BeforeEach
    void writeCorpus() throws IOException {
        corpus = folder.resolve("text.txt");
        Files.writeString(corpus, TEXT);
    }

    @Test
    void trainsGeneratesAndEvaluates() throws IOException {
        assertThat(train("--epochs", "30", "--report-every", "15")).isZero();
        assertThat(out)
                .matches("(?s)epoch 15, perplexity \\d+\\.\\d{6}, time \\d+\\.\\d{2} sec\\n - the .{16}\\n"
                        + "epoch 30, perplexity \\d+\\.\\d{6}, time \\d+\\.\\d{2} sec\\n - the .{16}\\n");
        assertThat(err)
                .contains("corpus: " + corpus + ", 900 characters, 28 distinct")
                .contains("batches: 22 per epoch, 4 rows of 10 time steps, consecutive sampling")
                .contains("model: RNN, 16 hidden units, 1,196 parameters")
                .contains("libretto generate --run " + folder.resolve("run") + " --prefix 'the ' --length 50");
        assertThat(folder.resolve("runs/latest").toRealPath())
                .isEqualTo(folder.resolve("run").toRealPath());
        String continuation = out.substring(out.lastIndexOf(" - ") + 3);

        assertThat(run("generate", "--prefix", "the ", "--length", "16")).isZero();
        assertThat(out).isEqualTo(continuation);
        assertThat(err).isEmpty();

        assertThat(run("predict", "--prefix", "the ", "--prefix", "fox", "--length", "0", "--run", runDir()))
                .isZero();
        assertThat(out).isEqualTo("the \nfox\n");

        assertThat(run("evaluate", "--corpus", corpus.toString())).isZero();
        assertThat(out)
                .matches("characters predicted: 899\n"
                        + "characters outside the vocabulary, left out: 0\n"
                        + "loss: \\d\\.\\d{6} nats per character\n"
                        + "perplexity: \\d+\\.\\d{6}\n"
                        + "bits per character: \\d\\.\\d{6}\n"
                        + "bits per byte: \\d\\.\\d{6}\n");
    }

    @Test
    void scoresLines() throws IOException {
        assertThat(train("--epochs", "3")).isZero();
        Path lines = Files.writeString(folder.resolve("lines.txt"), "the quick\r\n\nfox\tx\\\n猫 fox\nt");
        assertThat(run("score", "--corpus", lines.toString())).isZero();
        List<String> rows = out.lines().toList();
        assertThat(rows.get(0))
                .isEqualTo("line\tlog_probability\tcharacters\tunknown\tlog_probability_per_character"
                        + "\tbits_per_character\tbits_per_byte\ttext");
        assertThat(rows).hasSize(6);
        assertThat(rows.get(1)).matches("1\t-\\d+\\.\\d{6}\t8\t0(\t-?\\d+\\.\\d{6}){3}\tthe quick");
        assertThat(rows.get(2)).isEqualTo("2\t0.000000\t0\t0\t\t\t\t");
        assertThat(rows.get(3)).matches("3\t.*\t3\t2\t.*\tfox\\\\tx\\\\\\\\");
        assertThat(rows.get(4)).matches("4\t.*\t3\t1\t.*\t猫 fox");
        assertThat(rows.get(5)).isEqualTo("5\t0.000000\t0\t0\t\t\t\tt");

        assertThat(run("score", "--corpus", lines.toString(), "--format", "jsonl"))
                .isZero();
        List<JsonNode> objects = objects();
        for (int i = 0; i < 5; i++) {
            List<String> cells = new ArrayList<>();
            objects.get(i).forEach(value -> cells.add(cell(value)));
            assertThat(String.join("\t", cells)).isEqualTo(rows.get(i + 1));
        }

        assertThat(run("score", "--corpus", lines.toString(), "--characters")).isZero();
        List<String> characters = out.lines().toList();
        assertThat(characters.get(0))
                .isEqualTo("line\tposition\tlog_probability\tcharacter\tother_1\tlog_probability_1"
                        + "\tother_2\tlog_probability_2\tother_3\tlog_probability_3");
        assertThat(characters).hasSize(1 + 9 + 6 + 5 + 1);
        assertThat(characters.get(1)).isEqualTo("1\t1\t\tt\t\t\t\t\t\t");
        assertThat(characters.get(2)).matches("1\t2\t-\\d+\\.\\d{6}\th(\t[a-z ]\t-\\d+\\.\\d{6}){3}");
        assertThat(characters.get(13)).isEqualTo("3\t4\t\t\\t\t\t\t\t\t\t");

        assertThat(run("score", "--corpus", lines.toString(), "--characters", "--top", "0", "--format", "jsonl"))
                .isZero();
        double sum = objects().stream()
                .filter(row -> row.get("line").asInt() == 1)
                .mapToDouble(row -> (float) row.get("log_probability").asDouble())
                .sum();
        assertThat(sum).isEqualTo(objects.get(0).get("log_probability").asDouble());
        assertThat(objects().get(0).get("others")).isEmpty();
    }

    private static String cell(JsonNode value) {
        return value.isNull()
                ? ""
                : value.isDouble()
                        ? String.format(Locale.ROOT, "%.6f", value.asDouble())
                        : value.asText().replace("\\", "\\\\").replace("\t", "\\t");
    }

    @Test
    void quietPrintsOnlyResultsAndVerboseEachEpoch() {
        assertThat(train("--epochs", "2", "--report-every", "2", "--quiet")).isZero();
        assertThat(out).matches("epoch 2, [^\n]+\n - the .{16}\n");
        assertThat(err).isEmpty();

        assertThat(train("--epochs", "2", "--report-every", "2", "--verbose", "--overwrite"))
                .isZero();
        assertThat(out).startsWith("epoch 2, ").hasLineCount(2);
        assertThat(err)
                .containsPattern(
                        "\nepoch 1 of 2: loss \\d\\.\\d{6}, perplexity [\\d.]+, [\\d.]+ s, [\\d,]+ characters/s,"
                                + " learning rate 10\\.0\n")
                .contains("\nepoch 2 of 2: loss ");
    }

    @Test
    void earlyStoppingIsReported() {
        // The steps are too small to change a float, so both validation losses are equal.
        String[] still = {"--learning-rate", "1e-30", "--validation-fraction", "0.2", "--patience", "1"};
        assertThat(train(with(still, "--epochs", "50", "--report-every", "1000")))
                .isZero();
        assertThat(err).contains("stopped early after epoch 2 of 50: no lower validation loss for 1 epochs");
        assertThat(out).matches("(?s)epoch \\d+, perplexity [\\d.]+, validation perplexity [\\d.]+, time .* - the .*");
    }

    @Test
    void outOfMemoryMessageNamesOnlyOptionsOfTheCommand() {
        for (Command command : Main.COMMANDS) {
            for (Throwable e : List.of(new OutOfMemoryError(), new TFResourceExhaustedException("OOM"))) {
                String message = Main.explain(e, command.flags());
                List<String> advised = Pattern.compile("--([a-z-]+)")
                        .matcher(message)
                        .results()
                        .map(option -> option.group(1))
                        .toList();
                assertThat(message).startsWith("out of memory");
                assertThat(command.flags()).extracting(Flag::name).containsAll(advised);
            }
        }
        assertThat(Main.explain(new TFResourceExhaustedException("OOM"), TrainFlags.ALL))
                .isEqualTo("out of memory (OOM); use a smaller --batch-size or --seq-length or --hidden-size");
    }

    @Test
    void infoDescribesARun() throws IOException {
        assertThat(train("--epochs", "3")).isZero();
        assertThat(run("info")).isZero();
        assertThat(out)
                .contains(
                        "corpus: " + corpus + ", 900 characters, SHA-256 ",
                        "\n  hidden size          16\n",
                        "\n1,196 parameters\n  layer_0                                 720\n",
                        "\n  dense                                   476\n    kernel           16×28                448\n",
                        "\n    learning rate\n      rate             10.0\n",
                        "\n  divergence\n    action             stop\n",
                        "\nprogress: epoch 3 of 3, step 66\nbest: training perplexity ",
                        " in epoch 3\n")
                // No settings of another optimizer, of a schedule or of validation.
                .doesNotContain("null", "beta1", "weight decay", "decay epochs", "factor", "rollbacks", "validation");
        assertThat(err).isEmpty();

        assertThat(run("info", runDir(), "--json")).isZero();
        JsonNode info = new JsonMapper().readTree(out);
        assertThat(info.at("/parameters").asLong()).isEqualTo(1196);
        assertThat(info.at("/layers/0/arrays/1/shape").toString()).isEqualTo("[16,16]");
        assertThat(info.at("/training/optimizer/learningRate/rate").asDouble()).isEqualTo(10);
        assertThat(info.at("/progress/epoch").asInt()).isEqualTo(3);
        assertThat(info.at("/best/perplexity").asDouble())
                .isEqualTo(Math.exp(info.at("/progress/lowestLoss").asDouble()));
        assertThat(info.at("/corpus/sha256").asText()).hasSize(64);
        assertThat(info.at("/bytes").asLong()).isGreaterThan(2 * 4 * 1196);
    }

    @Test
    void infoOfImportedRunOmitsTraining() {
        String weights = folder.resolve("w.safetensors").toString();
        String imported = folder.resolve("imported").toString();
        assertThat(train("--epochs", "1")).isZero();
        assertThat(run("export", "--run", runDir(), "--out", weights)).isZero();
        assertThat(run("import", "--weights", weights, "--run", imported)).isZero();
        assertThat(run("info", imported)).isZero();
        assertThat(out)
                .contains("corpus: not known; the run was imported", "\n1,196 parameters\n")
                .doesNotContain("training", "progress", "best");
    }

    /** The default reads 10,000 characters. */
    @Test
    void partOfATextThatIsReadByDefaultIsNamed() throws IOException {
        Files.writeString(corpus, "the sea was calm, and ".repeat(15_000));
        assertThat(train("--epochs", "0")).isZero();
        assertThat(err).contains("\nthese characters are about 3% of the text; --max-chars 0 reads all of it\n");
        assertThat(train("--epochs", "0", "--overwrite", "--max-chars", "0")).isZero();
        assertThat(err).contains("330,000 characters").doesNotContain("of the text");
    }

    @Test
    void plotsOneOrSeveralRuns() throws IOException {
        assertThat(train("--epochs", "2")).isZero();
        assertThat(ImageIO.read(folder.resolve("run/perplexity.png").toFile())).isNotNull();
        assertThat(Files.readString(folder.resolve("run/perplexity.svg"))).endsWith("</svg>\n");
        assertThat(train("--epochs", "2", "--overwrite")).isZero();

        String both = folder.resolve("both.svg").toString();
        assertThat(run("plot", runDir(), runDir(), "--out", both, "--title", "比较"))
                .isZero();
        assertThat(Files.readString(Path.of(both)).split("<ellipse")).hasSize(3);
        assertThat(run("plot", runDir(), "--out", both, "--overwrite")).isZero();
        assertThat(Files.readString(Path.of(both)).split("<ellipse")).hasSize(2);
        assertThat(out).isEmpty();
        assertThat(err).isEqualTo("wrote " + both + "\n");
    }

    @Test
    void longestCheckpointIntervalIsAccepted() {
        assertThat(train("--epochs", "1", "--checkpoint-every", "999999999m")).isZero();
    }

    @Test
    void untrainedModelGenerates() {
        assertThat(train("--epochs", "0")).isZero();
        assertThat(out).isEmpty();
        assertThat(run("generate", "--prefix", "the", "--length", "7")).isZero();
        assertThat(out).startsWith("the").hasSize(11);
    }

    @Test
    void lastEpochIsAlwaysReported() {
        assertThat(train("--epochs", "3", "--report-every", "2")).isZero();
        assertThat(out.lines().filter(line -> line.startsWith("epoch")).map(line -> line.substring(0, 7)))
                .containsExactly("epoch 2", "epoch 3");
    }

    @Test
    void resumedRunKeepsItsReportSettings() throws IOException {
        assertThat(train("--epochs", "2", "--report-every", "2", "--tensorboard"))
                .isZero();
        assertThat(run("train", "--resume", runDir(), "--epochs", "5")).isZero();
        assertThat(out.lines().filter(line -> line.startsWith("epoch")).map(line -> line.substring(0, 7)))
                .containsExactly("epoch 4", "epoch 5");
        assertThat(out.lines().filter(line -> line.startsWith(" - ")))
                .allMatch(line -> line.startsWith(" - the ") && line.length() == " - the ".length() + 16);
        assertThat(Path.of(runDir()).resolve("tensorboard").toFile().list()).hasSize(2);

        assertThat(run("train", "--resume", runDir(), "--epochs", "7", "--report-every", "1", "--prefix", "fox"))
                .isZero();
        assertThat(out.lines().filter(line -> line.startsWith("epoch"))).hasSize(2);
        assertThat(out).contains(" - fox").doesNotContain(" - the");
    }

    @Test
    void defaultPrefixIsTheBeginningOfACorpusWithoutTheTextbookPrefixes() throws IOException {
        assertThat(run("train", "--corpus", corpus.toString(), "--epochs", "1", "--batch-size", "2", "--run", runDir()))
                .isZero();
        assertThat(out).contains(" - the quick ");

        Files.writeString(corpus, "不分开" + TEXT);
        assertThat(train("--overwrite", "--epochs", "1")).isZero();
        assertThat(out).contains(" - 分开").contains(" - 不分开");
    }

    @Test
    void unknownCharactersAreCountedNamedOrSkipped() throws IOException {
        assertThat(train("--epochs", "1")).isZero();
        Files.writeString(corpus, "the 猫 and the 😀\n");

        assertThat(run("evaluate", "--corpus", corpus.toString())).isZero();
        assertThat(out).contains("characters predicted: 13\ncharacters outside the vocabulary, left out: 2\n");

        assertThat(run("generate", "--prefix", "the猫")).isEqualTo(1);
        assertThat(err)
                .isEqualTo("libretto generate: the prefix \"the猫\": '猫' (U+732B) is not in the vocabulary;"
                        + " add --unknown skip to skip such characters\n");
        assertThat(out).isEmpty();

        assertThat(run("generate", "--prefix", "t猫he", "--unknown", "skip", "--length", "2"))
                .isZero();
        assertThat(out).startsWith("the").hasSize(6);

        assertThat(run("generate", "--prefix", "猫", "--unknown", "skip")).isEqualTo(1);
        assertThat(err).contains("the prefix \"猫\" has no character in the vocabulary");
    }

    /** Prefixes of every source, in every format, with both decoders. */
    @ParameterizedTest
    @ValueSource(strings = {"eager", "graph"})
    void generatesBatches(String decoder) throws IOException {
        assertThat(train("--epochs", "0")).isZero();
        List<String> prefixes = List.of("the ", "fox", "qu", "dog. the", "l");
        assertGreedyIsCertain(prefixes, 70);
        List<String> texts = new ArrayList<>();
        for (String prefix : prefixes) {
            assertThat(run("generate", "--prefix", prefix, "--length", "70")).isZero();
            texts.add(out);
        }
        String lines = String.join("\r\n", prefixes);

        assertThat(read(lines, "--prefixes", "-", "--batch-size", "2", "--length", "70", "--decoder", decoder))
                .isZero();
        assertThat(out).isEqualTo(String.join("", texts));
        assertThat(read("dog.\nthe\n", "--prefix-file", "-", "--length", "70", "--decoder", decoder))
                .isZero();
        assertThat(out).isEqualTo(texts.get(3));

        Path file = Files.writeString(folder.resolve("prefixes.txt"), "\uFEFF" + lines + "\n");
        assertThat(read("", "--prefixes", file.toString(), "--length", "70", "--format", "jsonl", "--decoder", decoder))
                .isZero();
        List<JsonNode> objects = objects();
        for (int i = 0; i < prefixes.size(); i++) {
            JsonNode object = objects.get(i);
            assertThat(object.fieldNames())
                    .toIterable()
                    .containsExactly("prefix", "text", "sample", "log_probability", "milliseconds");
            assertThat(object.get("prefix").asText()).isEqualTo(prefixes.get(i));
            assertThat(object.get("prefix").asText() + object.get("text").asText() + "\n")
                    .isEqualTo(texts.get(i));
            assertThat(object.get("log_probability").asDouble()).isNegative();
            assertThat(object.get("milliseconds").asDouble()).isPositive();
        }
        assertThat(objects).hasSize(5);
    }

    @Test
    void samplesAreTheSameInEveryFormat() throws IOException {
        assertThat(train("--epochs", "0")).isZero();
        assertDrawsAreCertain(List.of("fox"), 3, 20, 1.5, 9);
        List<String> draw = List.of("--temperature", "1.5", "--seed", "9", "--num-samples", "3", "--length", "20");
        assertThat(generate(draw, "--prefix", "the ", "--prefix", "fox")).isZero();
        List<String> lines = out.lines().toList();
        assertThat(lines).hasSize(6).doesNotHaveDuplicates();
        assertThat(lines.subList(0, 3)).allMatch(line -> line.startsWith("the ") && line.length() == 24);
        assertThat(lines.subList(3, 6)).allMatch(line -> line.startsWith("fox") && line.length() == 23);

        assertThat(generate(draw, "--prefix", "fox", "--decoder", "graph")).isZero();
        assertThat(out.lines().toList()).isEqualTo(lines.subList(3, 6));

        assertThat(generate(draw, "--prefix", "fox", "--format", "jsonl", "--logprobs"))
                .isZero();
        List<JsonNode> objects = objects();
        assertThat(generate(draw, "--prefix", "fox", "--logprobs")).isZero();
        String[] blocks = out.split("\n\n");
        assertThat(blocks).hasSize(3);
        for (int sample = 0; sample < 3; sample++) {
            JsonNode object = objects.get(sample);
            assertThat("fox" + object.get("text").asText()).isEqualTo(lines.get(3 + sample));
            assertThat(object.get("sample").asInt()).isEqualTo(sample);
            assertThat(object.get("seed").asLong()).isEqualTo(9);
            assertThat(object.get("prefix_log_probabilities").get(0).isNull()).isTrue();
            StringBuilder block = new StringBuilder("fox\n\tf");
            block.append(line(object.get("prefix_log_probabilities").get(1), 'o'));
            block.append(line(object.get("prefix_log_probabilities").get(2), 'x'));
            for (int i = 0; i < 20; i++) {
                block.append(line(
                        object.get("log_probabilities").get(i),
                        object.get("text").asText().charAt(i)));
            }
            // A stream adds as if in higher precision, so the sum is exact but for its last rounding.
            double sum = StreamSupport.stream(object.get("log_probabilities").spliterator(), false)
                    .mapToDouble(each -> (float) each.asDouble())
                    .sum();
            assertThat(object.get("log_probability").asDouble()).isEqualTo(sum);
            assertThat(blocks[sample]).isEqualTo(block.toString());
        }
    }

    private static String line(JsonNode logProbability, char character) {
        return String.format(Locale.ROOT, "\n%.6f\t%s", (float) logProbability.asDouble(), character);
    }

    @Test
    void likelyCharactersArePrinted() throws IOException {
        assertThat(train("--epochs", "0")).isZero();
        List<String> options = List.of("--prefix", "the ", "--length", "5", "--format", "jsonl", "--top-logprobs", "3");
        assertThat(generate(options)).isZero();
        JsonNode object = objects().get(0);
        assertThat(object.fieldNames())
                .toIterable()
                .containsExactly(
                        "prefix",
                        "text",
                        "sample",
                        "log_probability",
                        "milliseconds",
                        "prefix_log_probabilities",
                        "log_probabilities",
                        "prefix_top_log_probabilities",
                        "top_log_probabilities");
        assertThat(object.get("prefix_log_probabilities")).hasSize(4);
        JsonNode likelyInPrefix = object.get("prefix_top_log_probabilities");
        assertThat(likelyInPrefix).hasSize(4);
        assertThat(likelyInPrefix.get(0).isNull()).isTrue();
        assertThat(likelyInPrefix.get(3)).hasSize(3);
        for (int i = 0; i < 5; i++) {
            JsonNode likely = object.get("top_log_probabilities").get(i);
            String chosen = object.get("text").asText().substring(i, i + 1);
            assertThat(likely.fieldNames()).toIterable().hasSize(3).first().isEqualTo(chosen);
            assertThat(likely.get(chosen))
                    .isEqualTo(object.get("log_probabilities").get(i));
        }
    }

    /** Runs, exported models and both decoders choose among the same adjusted logits. */
    @Test
    void adjustedTextIsTheSameInEveryModel() throws IOException {
        assertThat(train("--epochs", "0")).isZero();
        RunDirectory run = RunDirectory.open(Path.of(runDir()));
        float[] bias = new float[run.vocabulary().size()];
        bias[run.vocabulary().idOf('e')] = -0.5f;
        bias[run.vocabulary().idOf('f')] = -0.5f;
        bias[run.vocabulary().idOf('o')] = 0.25f;
        bias[run.vocabulary().idOf('x')] = Float.NEGATIVE_INFINITY;
        AdjustedSampler sampler = Sampler.GREEDY
                .adjusted()
                .withBias(bias)
                .withRepeatPenalty(1.5, 10)
                .withNoRepeat(3);
        List<Integer> text = Margins.greedy(
                run.config().model(), run.newest(warning -> {}).weights(), ids(run, "the "), 40, sampler);
        String expected = "the "
                + run.vocabulary().decode(text.stream().mapToInt(id -> id).toArray()) + "\n";

        List<String> options = new ArrayList<>(List.of("--prefix", "the ", "--length", "40", "--forbid", "x"));
        options.addAll(List.of("--bias", "ef=-0.5", "--bias", "o=0.25", "--no-repeat", "3"));
        options.addAll(List.of("--repeat-penalty", "1.5", "--repeat-window", "10"));
        for (String decoder : List.of("eager", "graph")) {
            assertThat(generate(options, "--decoder", decoder)).isZero();
            assertThat(out).isEqualTo(expected);
        }
        for (String format : List.of("onnx", "savedmodel")) {
            String model = folder.resolve("model." + format).toString();
            assertThat(run("export", "--run", runDir(), "--format", format, "--out", model))
                    .isZero();
            assertThat(generate(options, "--model", model)).isZero();
            assertThat(out).isEqualTo(expected);
        }
    }

    @Test
    void textEndsWhenNoCharacterIsLeft() {
        assertThat(train("--epochs", "0")).isZero();
        assertThat(run("generate", "--prefix", "the ", "--allow", "ab", "--no-repeat", "1"))
                .isZero();
        assertThat(out).matches("the (ab|ba)\n");
        assertThat(run("generate", "--prefix", "the ", "--allow", "abc", "--forbid", "a", "--beams", "2"))
                .isZero();
        assertThat(out).matches("the [bc]{50}\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"onnx", "savedmodel"})
    void exportedModelGeneratesTheSameText(String format) throws IOException {
        assertThat(train("--epochs", "0")).isZero();
        assertGreedyIsCertain(List.of("the ", "fox"), 70);
        assertDrawsAreCertain(List.of("fox"), 3, 50, 1, 1);
        String model = folder.resolve("model." + format).toString();
        assertThat(run("export", "--run", runDir(), "--format", format, "--out", model))
                .isZero();
        List<String> options = List.of("--prefix", "the ", "--prefix", "fox", "--length", "70");
        List<String> draw =
                List.of("--prefix", "fox", "--temperature", "1", "--num-samples", "3", "--length", "50", "--seed", "1");
        assertThat(generate(options)).isZero();
        String greedy = out;
        assertThat(generate(draw)).isZero();
        String drawn = out;

        assertThat(generate(options, "--model", model)).isZero();
        assertThat(out).isEqualTo(greedy);
        assertThat(generate(draw, "--model", model)).isZero();
        assertThat(out).isEqualTo(drawn);
    }

    @Test
    void stopTextEndsGeneration() {
        assertThat(train("--epochs", "1")).isZero();
        List<String> draw = List.of("--temperature", "1", "--length", "300", "--prefix", "the ");
        assertThat(generate(draw)).isZero();
        String whole = out.strip();
        assertThat(whole.indexOf("t", 4)).isPositive();

        assertThat(generate(draw, "--stop", "t")).isZero();
        assertThat(out).isEqualTo(whole.substring(0, whole.indexOf("t", 4)) + "\n");
    }

    /** The lines before an invalid one are continued. */
    @Test
    void invalidPrefixLineIsNamedByItsNumber() {
        assertThat(train("--epochs", "1")).isZero();
        assertThat(read("the\nfox\ndog\nque猫\nbrown\n", "--prefixes", "-", "--batch-size", "2", "--length", "0"))
                .isEqualTo(1);
        assertThat(out).isEqualTo("the\nfox\ndog\n");
        assertThat(err)
                .isEqualTo("libretto generate: line 4 of stdin: '猫' (U+732B) is not in the vocabulary;"
                        + " add --unknown skip to skip such characters\n");
    }

    @Test
    void directoryOfTextsIsConcatenated() throws IOException {
        Path songs = Files.createDirectory(folder.resolve("songs"));
        Path first = Files.writeString(songs.resolve("1.txt"), TEXT.substring(0, 400));
        Path second = Files.writeString(songs.resolve("2.txt"), TEXT.substring(400));
        Files.writeString(songs.resolve("readme.md"), "no text");
        String[] sizes = {"--hidden-size", "4", "--seq-length", "10", "--batch-size", "4", "--length", "1"};

        assertThat(run(with(sizes, "train", "--corpus", songs.toString(), "--epochs", "1", "--run", runDir())))
                .isZero();
        assertThat(err)
                .startsWith("warning: skipped, not *.txt: " + songs.resolve("readme.md")
                        + "; --include selects files by their names\n")
                .contains("corpus: " + songs + ", 900 characters, 28 distinct\n");

        // One file with the same text, or its files named one by one, are the same corpus.
        assertThat(run("train", "--resume", runDir(), "--epochs", "2", "--corpus", corpus.toString()))
                .as(err)
                .isZero();
        assertThat(run(
                        "train",
                        "--resume",
                        runDir(),
                        "--epochs",
                        "3",
                        "--corpus",
                        first.toString(),
                        "--corpus",
                        second.toString()))
                .as(err)
                .isZero();
        assertThat(run("train", "--resume", runDir(), "--epochs", "4")).as(err).isZero();
        assertThat(run("evaluate", "--corpus", first.toString(), "--corpus", second.toString()))
                .isZero();
        assertThat(out).startsWith("characters predicted: 899\n");
    }

    @Test
    void rareCharactersBecomeOneUnknownCharacterEverywhere() throws IOException {
        assertThat(train("--epochs", "1", "--min-count", "21")).isZero();
        // The space, e, h, o, r, t and u occur twice or more in each of the 20 sentences.
        assertThat(err)
                .contains(
                        "900 characters, 28 distinct; 7 are in the vocabulary, and the others, 420 times in the text, are read as U+FFFD");

        assertThat(run("train", "--resume", runDir(), "--epochs", "2")).as(err).isZero();
        assertThat(run("generate", "--prefix", "the 猫", "--length", "0")).isZero();
        assertThat(out).isEqualTo("the \uFFFD\n");
        assertThat(run("generate", "--prefix", "the 猫", "--length", "0", "--unknown", "skip"))
                .isZero();
        assertThat(out).isEqualTo("the \n");
        for (String option : List.of("--forbid=猫", "--allow=猫", "--bias=猫=1", "--stop=猫")) {
            assertThat(run("generate", "--prefix", "the", option)).as(option).isOne();
            assertThat(err).contains("'猫' (U+732B) is not in the vocabulary; the model never ");
        }
        assertThat(run("generate", "--prefix", "the", "--length", "1", "--allow", "\uFFFD"))
                .isZero();
        assertThat(out).isEqualTo("the\uFFFD\n");

        Files.writeString(corpus, "the 猫 and the 😀\n");
        assertThat(run("evaluate", "--corpus", corpus.toString())).isZero();
        assertThat(out).startsWith("characters predicted: 15\ncharacters outside the vocabulary, read as U+FFFD: 5\n");

        String weights = folder.resolve("weights").toString();
        assertThat(run("export", "--out", weights)).isZero();
        assertThat(run(
                        "import",
                        "--weights",
                        weights,
                        "--run",
                        folder.resolve("imported").toString()))
                .as(err)
                .isZero();
        assertThat(run("generate", "--run", folder.resolve("imported").toString(), "--prefix", "猫", "--length", "0"))
                .isZero();
        assertThat(out).isEqualTo("\uFFFD\n");
        for (String format : List.of("onnx", "savedmodel")) {
            String model = folder.resolve(format).toString();
            assertThat(run("export", "--format", format, "--out", model)).isZero();
            assertThat(run("generate", "--model", model, "--prefix", "猫", "--length", "0"))
                    .isZero();
            assertThat(out).isEqualTo("\uFFFD\n");
        }

        // Files of earlier versions lack the field; U+FFFD was always the unknown character.
        for (String file : List.of("weights.json", "savedmodel/assets/settings.json", "run/config.json")) {
            withoutUnknownCharacter(folder.resolve(file));
        }
        String old = folder.resolve("old").toString();
        assertThat(run("import", "--weights", weights, "--run", old)).as(err).isZero();
        withoutUnknownCharacter(folder.resolve("old/config.json"));
        for (String[] model : List.of(new String[] {"--run", old}, new String[] {"--run", runDir()}, new String[] {
            "--model", folder.resolve("savedmodel").toString()
        })) {
            assertThat(run(with(model, "generate", "--prefix", "猫", "--length", "0")))
                    .as(err)
                    .isZero();
            assertThat(out).isEqualTo("\uFFFD\n");
        }
    }

    private static void withoutUnknownCharacter(Path file) throws IOException {
        String json = Files.readString(file);
        String old = json.replaceAll(",\\s*\"unknownCharacter\" : (true|false)", "");
        assertThat(old).isNotEqualTo(json);
        Files.writeString(file, old);
    }

    /** A U+FFFD in the text is an ordinary character in the run, in its exports and in imports of those. */
    @Test
    void replacementCharacterInTheTextIsNotTheUnknownCharacter() throws IOException {
        Files.writeString(corpus, TEXT.replace("x", "\uFFFD"));
        assertThat(train("--epochs", "1")).as(err).isZero();
        assertUnknownRefused("--run", runDir());

        Files.writeString(corpus, "the 猫\uFFFDand 猫\n");
        assertThat(run("evaluate", "--corpus", corpus.toString())).isZero();
        assertThat(out).startsWith("characters predicted: 9\ncharacters outside the vocabulary, left out: 2\n");

        String weights = folder.resolve("weights.safetensors").toString();
        String imported = folder.resolve("imported").toString();
        assertThat(run("export", "--out", weights)).isZero();
        assertThat(run("import", "--weights", weights, "--run", imported))
                .as(err)
                .isZero();
        assertUnknownRefused("--run", imported);
        for (String format : List.of("onnx", "savedmodel")) {
            String model = folder.resolve(format).toString();
            assertThat(run("export", "--format", format, "--run", imported, "--out", model))
                    .isZero();
            assertUnknownRefused("--model", model);
        }
    }

    private void assertUnknownRefused(String... model) {
        assertThat(run(with(model, "generate", "--length", "0", "--prefix", "the 猫")))
                .isEqualTo(1);
        assertThat(err).contains("'猫' (U+732B) is not in the vocabulary").hasLineCount(1);
        assertThat(run(with(model, "generate", "--length", "0", "--prefix", "\uFFFD")))
                .isZero();
        assertThat(out).isEqualTo("\uFFFD\n");
    }

    @Test
    void evaluateUsesTheEncodingOfTheRunByDefault() throws IOException {
        String text = TEXT.replace("fox", "狐");
        Files.writeString(corpus, text, Charset.forName("GB18030"));
        assertThat(train("--epochs", "1", "--encoding", "GB18030")).as(err).isZero();
        assertThat(run("evaluate", "--corpus", corpus.toString())).as(err).isZero();
        String evaluation = out;
        assertThat(evaluation).contains("left out: 0\n");

        Files.writeString(corpus, text);
        assertThat(run("evaluate", "--corpus", corpus.toString(), "--encoding", "UTF-8"))
                .isZero();
        assertThat(out).isEqualTo(evaluation);
    }

    private static String[] with(String[] more, String... args) {
        return Stream.concat(Stream.of(args), Stream.of(more)).toArray(String[]::new);
    }

    @Test
    void keepNewlinesAppliesToAllCommands() throws IOException {
        Files.writeString(corpus, TEXT.replace(". ", ".\n"));
        assertThat(train("--epochs", "1", "--keep-newlines")).isZero();
        assertThat(Files.readString(folder.resolve("run/vocabulary.json"))).contains("\"\\n\"");

        assertThat(run("evaluate", "--corpus", corpus.toString())).isZero();
        assertThat(out).contains("left out: 0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"onnx", "savedmodel", "safetensors"})
    void normalizationIsKeptInTheRunAndWhatIsExportedFromIt(String format) throws IOException {
        Files.writeString(corpus, "cafe\u0301 ".repeat(200));
        assertThat(train("--epochs", "1", "--normalize", "nfc")).as(err).isZero();
        assertThat(err).contains("1,000 characters, 5 distinct");
        assertThat(run("train", "--resume", runDir(), "--epochs", "2")).as(err).isZero();
        assertThat(run("train", "--resume", runDir(), "--epochs", "3", "--normalize", "nfc"))
                .as(err)
                .isZero();
        assertThat(run("evaluate", "--corpus", corpus.toString())).as(err).isZero();
        assertThat(out).startsWith("characters predicted: 999\ncharacters outside the vocabulary, left out: 0\n");

        String exported = folder.resolve("exported." + format).toString();
        assertThat(run("export", "--format", format, "--out", exported)).as(err).isZero();
        String imported = folder.resolve("imported").toString();
        boolean isWeights = format.equals("safetensors");
        if (isWeights) {
            assertThat(run("import", "--weights", exported, "--run", imported))
                    .as(err)
                    .isZero();
        }
        String[][] models = {{"--run", runDir()}, {isWeights ? "--run" : "--model", isWeights ? imported : exported}};
        for (String[] model : models) {
            assertThat(run(with(model, "generate", "--prefix", "cafe\u0301", "--length", "9")))
                    .as(err)
                    .isZero();
            assertThat(out).startsWith("caf\u00e9").hasSize(14);
            assertThat(run(with(model, "generate", "--prefix", "e\u0301", "--length", "9", "--stop", "e\u0301")))
                    .as(err)
                    .isZero();
        }
    }

    @Test
    void includedFilesAndBadBytesAreKeptInTheRun() throws IOException {
        Path songs = Files.createDirectory(folder.resolve("songs"));
        Files.write(songs.resolve("1.md"), (TEXT + "\u00ff").getBytes(ISO_8859_1));
        Files.writeString(songs.resolve("2.txt"), "not this");
        corpus = songs;
        assertThat(train("--epochs", "1", "--include", "*.md", "--bad-bytes", "replace"))
                .as(err)
                .isZero();
        assertThat(err)
                .contains("warning: " + songs + " has 1 byte sequences that are not UTF-8; they were read as U+FFFD\n")
                .contains("901 characters, 29 distinct");
        assertThat(run("train", "--resume", runDir(), "--epochs", "2")).as(err).isZero();
        assertThat(run("evaluate", "--corpus", songs.toString())).as(err).isZero();
        assertThat(out).startsWith("characters predicted: 900\n");
        assertThat(run("evaluate", "--corpus", songs.toString(), "--bad-bytes", "error"))
                .isEqualTo(1);
        assertThat(run("evaluate", "--corpus", songs.toString(), "--include", "*.txt"))
                .as(err)
                .isZero();
        assertThat(out).startsWith("characters predicted: 7\n");
    }

    @Test
    void copiesAreFoundInTheTrainingText() throws IOException {
        assertThat(train("--epochs", "1")).as(err).isZero();
        String[] generate = {"generate", "--prefix", "the ", "--length", "40", "--check-copies"};

        assertThat(run(generate)).as(err).isZero();
        String text = out.substring("the ".length(), out.length() - 1);
        String longest = longestIn(text, TEXT);
        assertThat(err)
                .matches("copied from " + Pattern.quote(corpus.toString())
                        + ": \\d+\\.\\d% of 40 characters, in stretches of 20 or more; longest: " + longest.length()
                        + " characters, at position \\d+: .{0,20}\\[" + Pattern.quote(longest) + "\\].{0,20}\n");

        Path written = Files.writeString(folder.resolve("written.txt"), "?" + text + "!");
        assertThat(run(with(new String[] {"--corpus", written.toString(), "--format", "jsonl"}, generate)))
                .as(err)
                .isZero();
        JsonNode line = new JsonMapper().readTree(out);
        assertThat(line.get("copied").asDouble()).isEqualTo(1);
        assertThat(line.get("longest_copy"))
                .isEqualTo(new JsonMapper()
                        .readTree("{\"length\": 40, \"start\": 0, \"position\": 1, \"before\": \"?\", \"text\": \""
                                + text + "\", \"after\": \"!\"}"));
        assertThat(err).isEmpty();

        Files.writeString(folder.resolve("written.txt"), "a quick quick brown fox jumps over the " + "z".repeat(61));
        assertThat(run("evaluate", "--corpus", written.toString(), "--copies"))
                .as(err)
                .isZero();
        assertThat(out)
                .endsWith(
                        "copied from the training text: 32.0% of 100 characters, in stretches of 20 or more\n"
                                + "longest copy: 32 characters, at position 3: the[ quick brown fox jumps over the ]lazy dog. the quick \n");

        Files.writeString(corpus, TEXT + TEXT);
        assertThat(run(generate)).isEqualTo(1);
        assertThat(err)
                .isEqualTo("libretto generate: " + corpus + " is no longer the training text of "
                        + folder.resolve("run").toRealPath() + " (SHA-256 mismatch); name that text with --corpus\n");
    }

    private static String longestIn(String text, String corpus) {
        String longest = "";
        for (int from = 0; from < text.length(); from++) {
            for (int to = from + longest.length() + 1; to <= text.length(); to++) {
                longest = corpus.contains(text.substring(from, to)) ? text.substring(from, to) : longest;
            }
        }
        return longest;
    }

    @Test
    void existingRunIsNotOverwritten() {
        assertThat(train("--epochs", "1")).isZero();
        assertThat(train("--epochs", "1")).isEqualTo(1);
        assertThat(err).contains("already holds a run").hasLineCount(1);
        assertThat(train("--epochs", "1", "--overwrite")).isZero();
    }

    @Test
    void divergenceFailsAndKeepsTheRun() {
        assertThat(train("--learning-rate", "1e38", "--clip-norm", "1e38")).isEqualTo(1);
        assertThat(err).contains("libretto train: training diverged in epoch 1: loss ");
        assertThat(run("generate", "--prefix", "the")).isZero();
    }

    @Test
    void emptyPrefixIsAUsageError() {
        assertThat(run("generate", "--prefix", "")).isEqualTo(2);
        assertThat(err).contains("--prefix must be at least one character (got '')");
    }

    @Test
    void debugPrintsTheStackTrace() {
        assertThat(run("generate", "--prefix", "a", "--debug")).isEqualTo(1);
        assertThat(err).contains("there is no run yet").contains("\tat dev.libretto.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"train", "generate", "predict", "evaluate", "export", "import", "info", "plot"})
    void helpShowsEveryOptionWithItsDefault(String command) {
        assertThat(run(command, "--help")).isZero();
        assertThat(err).isEmpty();
        assertThat(out).contains("examples:\n  libretto " + command);
        assertThat(out.lines()).allMatch(line -> line.codePoints().count() <= 100);
        Command of = Main.COMMANDS.stream()
                .filter(each -> each.name().equals(command))
                .findFirst()
                .orElseThrow();
        String unwrapped = out.replaceAll("\\s+", " ");
        for (Flag<?> flag : of.flags()) {
            assertThat(unwrapped).contains("--" + flag.name()).contains(flag.description());
        }
    }

    @ParameterizedTest
    @CsvSource({"20, 60", "60, 60", "73, 73", "1000, 100"})
    void helpIsAsWideAsTheTerminalWithinLimits(int terminal, int width) {
        for (Command command : Main.COMMANDS) {
            String help = CliResult.inTerminal(terminal, "", folder, command.name(), "--help")
                    .out();
            String options = help.substring(0, help.indexOf("examples:"));
            assertThat(options.lines()).allMatch(line -> line.length() <= width);
            List<String> lines = options.lines().toList();
            for (int i = 1; i < lines.size(); i++) {
                if (isDescription(lines.get(i - 1)) && lines.get(i).startsWith(" ".repeat(28))) {
                    String next = lines.get(i).strip().split(" ")[0];
                    assertThat(lines.get(i - 1) + " " + next)
                            .as("a line ends where the next word does not fit")
                            .hasSizeGreaterThan(width);
                }
            }
        }
    }

    /** Descriptions begin in column 28, after two spaces; a longer option has a line of its own. */
    private static boolean isDescription(String line) {
        return line.length() > 28 && line.substring(26, 28).isBlank();
    }

    @Test
    void helpAndVersion() {
        assertThat(run("--help")).isZero();
        assertThat(out).contains("usage: libretto COMMAND").contains("train ").contains("evaluate ");

        assertThat(run("plot", "--help")).isZero();
        String ofPlot = out;
        assertThat(run("help", "plot")).isZero();
        assertThat(out).isEqualTo(ofPlot);

        assertThat(run("--version")).isZero();
        assertThat(out)
                .matches(
                        "libretto \\d+\\.\\d+\\.\\d+, TensorFlow 2\\.18\\.\\d+ \\(TensorFlow Java 1\\.1\\.0\\), Java .+\n");
    }

    private int train(String... more) {
        return run(Stream.of(
                        List.of("train", "--corpus", corpus.toString(), "--run", runDir()),
                        List.of("--hidden-size", "16", "--seq-length", "10", "--batch-size", "4", "--length", "16"),
                        List.of(more),
                        Stream.of(more).anyMatch("--learning-rate"::equals)
                                ? List.<String>of()
                                : List.of("--learning-rate", "10", "--clip-norm", "0.1"),
                        folder.resolve("text.txt").toFile().length() == TEXT.length()
                                ? List.of("--prefix", "the ")
                                : List.<String>of())
                .flatMap(List::stream)
                .toArray(String[]::new));
    }

    private int generate(List<String> options, String... more) {
        return run(Stream.of(List.of("generate"), options, List.of(more))
                .flatMap(List::stream)
                .toArray(String[]::new));
    }

    private int read(String in, String... options) {
        CliResult result = CliResult.reading(
                in,
                folder.resolve("runs"),
                Stream.concat(Stream.of("generate"), Stream.of(options)).toArray(String[]::new));
        out = result.out();
        err = result.err();
        return result.exitCode();
    }

    private List<JsonNode> objects() throws IOException {
        List<JsonNode> objects = new ArrayList<>();
        for (String line : out.lines().toList()) {
            objects.add(new JsonMapper().readTree(line));
        }
        return objects;
    }

    /** Decoders are compared only on characters that no rounding can change; untrained weights are the same everywhere. */
    private void assertGreedyIsCertain(List<String> prefixes, int length) throws IOException {
        RunDirectory run = RunDirectory.open(Path.of(runDir()));
        Weights weights = run.newest(warning -> {}).weights();
        for (String prefix : prefixes) {
            Margins.assertGreedyIsCertain(run.config().model(), weights, ids(run, prefix), length);
        }
    }

    private void assertDrawsAreCertain(List<String> prefixes, int samples, int length, double temperature, long seed)
            throws IOException {
        RunDirectory run = RunDirectory.open(Path.of(runDir()));
        Weights weights = run.newest(warning -> {}).weights();
        for (String prefix : prefixes) {
            for (int sample = 0; sample < samples; sample++) {
                Margins.assertDrawIsCertain(
                        run.config().model(), weights, ids(run, prefix), length, temperature, seed, sample);
            }
        }
    }

    private static int[] ids(RunDirectory run, String prefix) {
        return prefix.codePoints()
                .map(character -> run.vocabulary().symbols().indexOf(Character.toString(character)))
                .toArray();
    }

    private String runDir() {
        return folder.resolve("run").toString();
    }

    private int run(String... args) {
        CliResult result = CliResult.of(folder.resolve("runs"), args);
        out = result.out();
        err = result.err();
        return result.exitCode();
    }
}
