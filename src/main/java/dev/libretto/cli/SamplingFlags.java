package dev.libretto.cli;

import dev.libretto.generate.AdjustedSampler;
import dev.libretto.generate.History;
import dev.libretto.generate.LogitBias;
import dev.libretto.generate.RandomSampler;
import dev.libretto.generate.Sampler;
import dev.libretto.text.Vocabulary;
import java.util.List;

/** How the next character is chosen. */
final class SamplingFlags {
    /** A number to add to the logits of some characters. */
    record Bias(String characters, float value) {
        static Bias parse(String text) {
            // The last one, so that the characters may be "=".
            int equals = text.lastIndexOf('=');
            String message = "must be characters, = and a number, such as ab=-1.5";
            if (equals < 1) {
                throw new IllegalArgumentException(message);
            }
            double value = Flag.number(x -> x >= -Float.MAX_VALUE, message).apply(text.substring(equals + 1));
            return new Bias(text.substring(0, equals), (float) value);
        }
    }

    static final Flag<Double> TEMPERATURE = Flag.notNegative(
            "temperature", "sampling temperature: below 1 sharper, above 1 flatter; 0 decodes greedily", 0);
    static final Flag<Integer> TOP_K =
            Flag.integer("top-k", "sample from the N most likely characters, 0 for all", 0, 0, 10_000_000);
    static final Flag<Double> TOP_P = Flag.parsed(
            "top-p",
            "P",
            "nucleus sampling: keep the smallest set of characters whose total probability is at least P",
            1.0,
            Flag.number(p -> p > 0 && p <= 1, "must be greater than 0 and at most 1"));
    static final Flag<Double> MIN_P = Flag.parsed(
            "min-p",
            "P",
            "keep the characters that are at least P times as likely as the most likely one",
            0.0,
            Flag.number(p -> p >= 0 && p <= 1, "must be at least 0 and at most 1"));
    static final Flag<Long> SEED = Flag.atLeast(Long.MIN_VALUE, "seed", "random seed of the samples", 1);
    static final Flag<Double> REPEAT_PENALTY =
            Flag.positive("repeat-penalty", "above 1 makes characters of the last part of the text less likely", 1.0);
    static final Flag<Integer> REPEAT_WINDOW = Flag.integer(
            "repeat-window",
            "how many of the last characters --repeat-penalty looks at, 0 for the whole text",
            64,
            0,
            GenerateCommand.MAX_LENGTH);
    static final Flag<Integer> NO_REPEAT = Flag.integer(
            "no-repeat",
            "write no N characters twice, neither the prefix's nor new ones, 0 for no limit",
            0,
            0,
            GenerateCommand.MAX_LENGTH);
    static final Flag<String> FORBID = Flag.text("forbid", "characters never to write");
    static final Flag<String> ALLOW = Flag.text("allow", "the only characters to write");
    static final Flag<Bias> BIAS = new Flag<>(
            "bias", "TEXT=X", "add X to the logits of the characters of TEXT; repeat it for others", null, Bias::parse);

    /** Those that draw at random. */
    private static final List<Flag<?>> RANDOM = List.of(TOP_K, TOP_P, MIN_P, SEED);

    static final List<Flag<?>> ALL = Flag.joined(
            List.of(TEMPERATURE), RANDOM, List.of(REPEAT_PENALTY, REPEAT_WINDOW, NO_REPEAT, FORBID, ALLOW, BIAS));

    private SamplingFlags() {}

    /** Throws if an option has no effect. */
    static void check(Arguments arguments) throws UsageException {
        for (Flag<?> flag : RANDOM) {
            if (arguments.has(flag) && arguments.get(TEMPERATURE) == 0) {
                throw withoutEffect(flag);
            }
        }
        if (arguments.has(REPEAT_WINDOW) && arguments.get(REPEAT_PENALTY) == 1) {
            throw new UsageException(
                    "--repeat-window has no effect without --repeat-penalty; add --repeat-penalty X," + " such as 1.2");
        }
    }

    static UsageException withoutEffect(Flag<?> flag) {
        return new UsageException(
                "--" + flag.name() + " has no effect on greedy decoding; add --temperature X, such as 1");
    }

    /** Returns the sampler of {@code --top-k} and {@code --top-p}. */
    static RandomSampler random(Arguments arguments, double temperature) throws UsageException {
        int topK = arguments.get(TOP_K);
        return Sampler.temperature(temperature)
                .withTopK(topK == 0 ? RandomSampler.ALL : topK)
                .withTopP(arguments.get(TOP_P));
    }

    static Sampler sampler(Arguments arguments, Vocabulary vocabulary) throws UsageException {
        double temperature = arguments.get(TEMPERATURE);
        Sampler chooser = temperature == 0
                ? Sampler.GREEDY
                : random(arguments, temperature).withMinP(arguments.get(MIN_P));
        int window = arguments.get(REPEAT_WINDOW);
        AdjustedSampler adjusted = chooser.adjusted()
                .withBias(bias(arguments, vocabulary))
                .withRepeatPenalty(arguments.get(REPEAT_PENALTY), window == 0 ? History.WHOLE : window)
                .withNoRepeat(arguments.get(NO_REPEAT));
        return adjusted.adjustsNothing() ? chooser : adjusted;
    }

    /** Returns what is added to each logit, −∞ for characters that are not written; empty for nothing. */
    private static float[] bias(Arguments arguments, Vocabulary vocabulary) throws UsageException {
        LogitBias bias = new LogitBias(vocabulary);
        for (Bias given : arguments.getAll(BIAS)) {
            bias.set(encode(vocabulary, given.characters(), BIAS), given.value());
        }
        if (arguments.has(ALLOW)) {
            bias.allowOnly(encode(vocabulary, arguments.get(ALLOW), ALLOW));
        }
        if (arguments.has(FORBID)) {
            bias.forbid(encode(vocabulary, arguments.get(FORBID), FORBID));
        }
        return bias.toArray();
    }

    private static int[] encode(Vocabulary vocabulary, String characters, Flag<?> flag) {
        return Prefix.encode(
                vocabulary::encodeEach,
                characters,
                "--" + flag.name(),
                "the model never writes it, so remove the character");
    }
}
