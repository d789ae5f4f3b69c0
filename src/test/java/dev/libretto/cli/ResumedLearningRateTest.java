package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The learning rate of a resumed run: as before, for more epochs, or set. */
@Tag("numeric")
class ResumedLearningRateTest {
    @TempDir
    private Path folder;

    private String err;

    @BeforeEach
    void writeText() throws IOException {
        Files.writeString(folder.resolve("text.txt"), "the quick brown fox jumps over the lazy dog. ".repeat(20));
    }

    private List<Double> train(String run, String options) throws IOException {
        return rates(
                run,
                "train --corpus " + folder.resolve("text.txt") + " --run " + folder.resolve(run)
                        + " --hidden-size 4 --seq-length 10 --batch-size 4 --optimizer adam --learning-rate 0.1 "
                        + options);
    }

    private List<Double> resume(String run, String options) throws IOException {
        return rates(run, "train --resume " + folder.resolve(run) + " " + options);
    }

    /** Runs a command and returns the learning rates in the metrics. */
    private List<Double> rates(String run, String line) throws IOException {
        CliResult result =
                CliResult.of(folder.resolve("runs"), Stream.of(line.split(" ")).toArray(String[]::new));
        err = result.err();
        assertThat(result.exitCode()).as(err).isZero();
        return Files.readAllLines(folder.resolve(run).resolve("metrics.csv")).stream()
                .skip(1)
                .map(row -> Double.parseDouble(row.split(",")[5]))
                .toList();
    }

    @Test
    void scheduleKeepsItsEpochsAndSaysHowToExtendIt() throws IOException {
        train("run", "--epochs 2 --schedule cosine");
        assertThat(resume("run", "--epochs 4").subList(2, 4)).containsExactly(0.1 * 0.1, 0.1 * 0.1);
        assertThat(err)
                .contains(
                        "learning rate: 0.01000 now, 0.01000 in the last batch; the cosine schedule decays it over the"
                                + " first 2 epochs; --extend-schedule decays it over all 4\n");
    }

    @Test
    void extendedScheduleGivesTheRatesOfARunOfAllEpochs() throws IOException {
        for (String schedule : List.of("cosine", "exponential")) {
            List<Double> whole = train(schedule, "--epochs 4 --schedule " + schedule);
            List<Double> half = train(schedule + "-2", "--epochs 2 --schedule " + schedule);
            List<Double> extended = resume(schedule + "-2", "--epochs 4 --extend-schedule");

            assertThat(extended.subList(0, 2)).isEqualTo(half).isNotEqualTo(whole.subList(0, 2));
            assertThat(extended.subList(2, 4)).isEqualTo(whole.subList(2, 4));
            assertThat(err)
                    .contains("the " + schedule + " schedule decays it over 4 epochs\n")
                    .doesNotContain("--extend-schedule");
        }
    }

    /** Also once the epochs were raised without it. */
    @Test
    void scheduleCanBeExtendedLater() throws IOException {
        List<Double> whole = train("whole", "--epochs 4 --schedule cosine");
        train("run", "--epochs 2 --schedule cosine");
        assertThat(resume("run", "--epochs 3").get(2)).isEqualTo(0.1 * 0.1);
        assertThat(resume("run", "--epochs 4 --extend-schedule").get(3)).isEqualTo(whole.get(3));
    }

    @Test
    void givenRateIsTheRateFromHereOn() throws IOException {
        train("run", "--epochs 2");
        assertThat(resume("run", "--epochs 4 --learning-rate 0.03")).containsExactly(0.1, 0.1, 0.03, 0.03);
        assertThat(err).contains("learning rate: 0.03000\n");
        assertThat(resume("run", "--epochs 5").get(4)).as("the run keeps it").isEqualTo(0.03);
    }

    @Test
    void givenRateIsScaledByTheSchedule() throws IOException {
        train("run", "--epochs 2 --schedule step --decay-epochs 2 --decay 0.5");
        assertThat(resume("run", "--epochs 3 --learning-rate 0.8").get(2)).isEqualTo(0.4);
        assertThat(err)
                .contains(
                        "learning rate: 0.4000 now, 0.4000 in the last batch; the step schedule decays it every 2 epochs");
    }

    /** The steps are too small to change a float, so the validation loss never falls and the rate is halved. */
    @Test
    void givenRateIsThatOfAPlateauScheduleWhateverItHasDecayed() throws IOException {
        List<Double> before = rates(
                "run",
                "train --corpus " + folder.resolve("text.txt") + " --run " + folder.resolve("run")
                        + " --hidden-size 4 --seq-length 10 --batch-size 4 --learning-rate 1e-30 --epochs 4"
                        + " --schedule plateau --validation-fraction 0.2");
        assertThat(before).containsExactly(1e-30, 1e-30, 0.5e-30, 0.25e-30);

        assertThat(resume("run", "--epochs 5 --learning-rate 3e-30").get(4)).isEqualTo(3e-30);
        assertThat(err)
                .contains("learning rate: 3.000e-30 now; the plateau schedule decays it after an epoch without a lower"
                        + " validation loss\n");
        assertThat(resume("run", "--epochs 6").get(5)).isEqualTo(1.5e-30);
    }
}
