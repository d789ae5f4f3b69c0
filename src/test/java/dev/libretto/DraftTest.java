package dev.libretto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.cli.CliResult;
import dev.libretto.export.ExportFormat;
import dev.libretto.generate.Sampler;
import dev.libretto.model.CellType;
import dev.libretto.text.Corpus;
import dev.libretto.train.Optimizer;
import dev.libretto.train.TrainConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Texts that continue from a saved state. Each character decides the next one, so no rounding changes a choice. */
@Tag("numeric")
class DraftTest {
    private static final String CYCLE = "一二三四五六七😀";

    @TempDir
    private static Path shared;

    @TempDir
    private Path folder;

    @BeforeAll
    static void train() throws IOException {
        Training training = Training.builder()
                .settings(TrainConfig.TEXTBOOK.with(config -> {
                    config.batchSize = 4;
                    config.seqLength = 10;
                    config.parts = 1;
                }))
                .cell(CellType.LSTM)
                .hiddenSize(16)
                .epochs(20)
                .optimizer(Optimizer.adam(0.02))
                .build();
        training.fit(Corpus.of(CYCLE.repeat(80)), shared.resolve("run")).close();
        training.fit(Corpus.ofDocuments(java.util.Collections.nCopies(20, "emma")), shared.resolve("names"))
                .close();
    }

    private CliResult command(String in, String line) {
        CliResult result = CliResult.reading(
                in, folder, line.replace("RUN", shared + "/run").split(" "));
        assertThat(result.exitCode()).as(result.err()).isZero();
        return result;
    }

    @Test
    void textContinuesAsIfWrittenAtOnce() throws IOException {
        String state = folder + "/text.state";
        String whole = command("", "generate --run RUN --prefix 一二 --length 20").out();
        assertThat(whole).startsWith(CYCLE + CYCLE);
        String first = command("", "generate --run RUN --prefix 一二 --length 7 --save-state " + state)
                .out();
        String second = command(
                        "",
                        "generate --run RUN --load-state " + state + " --save-state " + state
                                + " --decoder graph --length 5")
                .out();
        String third = command("", "generate --run RUN --load-state " + state + " --length 8")
                .out();
        assertThat(first.strip() + second.strip() + third).isEqualTo(whole);

        String again = folder + "/again.state";
        command("", "generate --run RUN --prefix 一二 --length 7 --save-state " + again);
        assertThat(command("", "generate --run RUN --load-state " + again + " --length 1")
                        .out())
                .startsWith("二");
        assertThat(command("", "generate --run RUN --load-state " + again + " --length 1 --no-repeat 2")
                        .out())
                .as("一二 is in the text that was loaded")
                .doesNotStartWith("二");

        try (CharModel model = CharModel.open(shared.resolve("run"))) {
            model.export(ExportFormat.ONNX, folder.resolve("model.onnx"));
        }
        assertThat(command("", "generate --model " + folder + "/model.onnx --load-state " + state + " --length 8")
                        .out())
                .isEqualTo(third);
        // Another text that is read first.
        assertThat(command("", "generate --run RUN --load-state " + state + " --prefix 七 --length 3")
                        .out())
                .isEqualTo("七😀一二\n");
    }

    @Test
    void sampledTextContinuesAsIfWrittenAtOnce() {
        String sampled = "generate --run RUN --temperature 4 --seed 7 ";
        String whole = command("", sampled + "--prefix 一二 --length 40").out();
        for (String decoder : List.of(" --decoder eager", " --decoder graph")) {
            String state = " " + folder + "/sampled.state";
            String first = command("", sampled + "--prefix 一二 --length 15 --save-state" + state + decoder)
                    .out();
            String second = command(
                            "", sampled + "--length 15 --load-state" + state + " --save-state" + state + decoder)
                    .out();
            String third = command("", sampled + "--length 10 --load-state" + state + decoder)
                    .out();
            assertThat(first.strip() + second.strip() + third).isEqualTo(whole);
        }
    }

    /** The state is that after the text that was printed, so the stop text is the prefix that continues it. */
    @Test
    void stoppedTextContinuesWithTheStopText() {
        String sampled = "generate --run RUN --temperature 4 --seed 7 ";
        String whole = command("", sampled + "--prefix 一二 --length 40").out();
        String stop = Character.toString(whole.codePoints().skip(9).findFirst().orElseThrow());
        String state = " " + folder + "/stopped.state";
        String first = command("", sampled + "--prefix 一二 --length 40 --stop " + stop + " --save-state" + state)
                .out();
        assertThat(whole).startsWith(first.strip() + stop);
        int left = 40 + 2 - first.strip().codePointCount(0, first.strip().length()) - 1;
        assertThat(command("", sampled + "--length 40 --stop " + stop + " --load-state" + state)
                        .out())
                .as("the stop text comes next")
                .isEqualTo("\n");
        assertThat(first.strip()
                        + command("", sampled + "--load-state" + state + " --prefix " + stop + " --length " + left)
                                .out())
                .isEqualTo(whole);
    }

    @Test
    void offersContinueThoseTaken() throws IOException {
        Sampler sampler = Sampler.temperature(4);
        try (CharModel model = CharModel.open(shared.resolve("run"));
                CharModel names = CharModel.open(shared.resolve("names"))) {
            for (Draft begun : List.of(model.draft().with("一二"), names.draft())) {
                String whole = begun.offers(1, 12, sampler, 3).get(0);
                String taken = begun.offers(1, 5, sampler, 3).get(0);
                assertThat(whole).startsWith(taken);
                assertThat(taken
                                + begun.withOffer(taken)
                                        .offers(1, 7, sampler, 3)
                                        .get(0))
                        .isEqualTo(whole);
            }
        }
    }

    @Test
    void modelLearnsFromThePrefixThatItContinues() throws IOException {
        String other = "一三五七二四六😀";
        Path prefix = Files.writeString(folder.resolve("prefix.txt"), other.repeat(150));
        String generate = "generate --run RUN --format jsonl --length 16 --prefix-file " + prefix;
        String written = "\"text\":\"" + other + other + '"';

        assertThat(command("", generate).out()).doesNotContain(written);
        assertThat(command("", generate + " --adapt 0.3").out()).contains(written);
        assertThat(command("", generate + " --adapt 0.3 --decoder graph --beams 2")
                        .out())
                .contains(written);
        assertThat(command("", generate).out()).as("the run is as it was").doesNotContain(written);
    }

    @Test
    void stateOfOtherWeightsIsRefused() throws IOException {
        Path file = folder.resolve("other.state");
        try (CharModel model = CharModel.open(shared.resolve("run"));
                CharModel adapted = model.adaptedTo(model.vocabulary().encode(Corpus.of(CYCLE)), 0.1, position -> {})) {
            model.draft().with("一").save(file);
            assertThatThrownBy(() -> Draft.read(file, adapted.decoding(false), model.vocabulary()))
                    .hasMessage(file + ": it is the state of another model; name that model, or begin a new text");
            assertThat(Draft.read(file, model.decoding(false), model.vocabulary())
                            .text())
                    .isEqualTo("一");
            String json = Files.readString(file);
            Files.writeString(file, json.replace("\"written\" : 0", "\"written\" : 2"));
            assertThatThrownBy(() -> Draft.read(file, model.decoding(false), model.vocabulary()))
                    .hasMessage(file + ": written is 2, and the text has 1 characters; begin a new text");
        }
    }

    @Test
    void draftIsReadOnceAndDoesNotChange() throws IOException {
        try (CharModel model = CharModel.open(shared.resolve("run"))) {
            Draft begun = model.draft().with("一二三");
            Draft longer = begun.with("四").with("");
            assertThat(begun.offers(2, 3, Sampler.GREEDY, 1)).containsExactly("四五六", "四五六");
            assertThat(longer.offers(1, 4, Sampler.GREEDY, 1)).containsExactly("五六七😀");
            assertThat(longer.text()).isEqualTo("一二三四");
            Path file = folder.resolve("one.state");
            longer.save(file);
            begun.save(file);
            assertThat(Draft.read(file, model.decoding(true), model.vocabulary())
                            .text())
                    .isEqualTo("一二三");
            assertThatThrownBy(() -> model.draft().offers(1, 1, Sampler.GREEDY, 1))
                    .hasMessageContaining("the prefix is empty");
            assertThatThrownBy(() -> begun.with("x")).hasMessageContaining("'x' (U+0078) is not in the vocabulary");
            try (CharModel other = CharModel.open(shared.resolve("names"))) {
                assertThatThrownBy(() -> Draft.read(file, other.decoding(false), other.vocabulary()))
                        .isInstanceOf(LibrettoException.class)
                        .hasMessageEndingWith("it is the state of another model; name that model, or begin a new text");
                Draft document = other.draft();
                assertThat(document.offers(1, 20, Sampler.GREEDY, 1)).isNotEmpty();
                document.with("e").save(file);
                assertThat(Draft.read(file, other.decoding(false), other.vocabulary())
                                .offers(1, 20, Sampler.GREEDY, 1))
                        .isEqualTo(document.with("e").offers(1, 20, Sampler.GREEDY, 1));
            }
        }
    }

    @Test
    void sessionTakesTypesAndUndoes() throws IOException {
        String state = folder + "/write.state";
        String write = "write --run RUN --length 2 --offers 2 --temperature 0.01 --save-state " + state;
        // Types 一二, takes 三四, types an unknown character, types 五, takes 六七, undoes that, asks for others, ends.
        CliResult session = command("\n一二\n1\nx\n\n五\n1u q", write);
        assertThat(session.out()).isEqualTo("一二三四五\n");
        assertThat(session.err())
                .contains("\n\nEnter type, q end\n", "  1  三四\n", "'x' (U+0078) is not in the vocabulary; type other")
                .doesNotContain("  2  ");
        assertThat(Files.readString(Path.of(state))).contains("\"text\" : \"一二三四五\"");
        assertThat(command("1", write + " --load-state " + state).out()).isEqualTo("一二三四五六七\n");
    }

    @Test
    void takingTheEndOfADocumentEndsTheSession() throws IOException {
        String state = folder + "/name.state";
        String write = "write --run " + shared + "/names --length 4 --temperature 0.01 --save-state " + state;
        CliResult session = command("111", write);
        assertThat(session.out()).isEqualTo("emma\n");
        assertThat(session.err()).containsOnlyOnce("  1  emma\n").containsOnlyOnce("  1  (the end)\n");
        assertThat(command("q", write + " --load-state " + state).err())
                .as("a finished document is offered its end again")
                .contains("  1  (the end)\n");
    }
}
